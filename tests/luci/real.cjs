// SPDX-License-Identifier: LGPL-2.1-only
'use strict';

/*
 * The pages in a real LuCI, at $LUCI_URL (http://192.168.1.1), with Debian's Chromium: a walk through a container's life. It adds a container, runs it and deletes it, and
 * nothing else: but use a router that may be broken. $LUCI_PASSWORD is root's. $LUCI_ROOTFS is a directory or image on the router that has /bin/sh (/). Pictures go to
 * $LUCI_PICTURES, if that is set.
 */

/* global document */

const { chromium } = require('playwright-core');

const url = process.env.LUCI_URL.replace(/\/$/, ''), name = 'luci_test', pictures = process.env.LUCI_PICTURES;
let step = 0;

async function main() {
	const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: [ '--no-sandbox' ] });
	const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
	const errors = [];
	const go = async path => {
		await page.goto(`${url}/cgi-bin/luci/admin/services/containers/${path}`);
		await page.waitForSelector('#view h2');
	};
	const done = async text => {
		console.log(`ok ${++step} - ${text}`);

		if (pictures)
			await page.screenshot({ path: `${pictures}/${String(step).padStart(2, '0')}.png`, fullPage: true });
	};
	const apply = async () => {
		await page.click('.cbi-page-actions .cbi-button-apply');
		await page.waitForSelector('text=Configuration changes applied', { timeout: 120000 });
		await page.waitForLoadState();
	};

	page.on('pageerror', error => errors.push(error.message));

	await page.goto(`${url}/cgi-bin/luci/`);
	await page.fill('[name=luci_username]', 'root');
	await page.fill('[name=luci_password]', process.env.LUCI_PASSWORD || '');
	await page.keyboard.press('Enter');
	await page.waitForSelector('#maincontent');
	await go('overview');
	await done('log in, see the containers');

	await go('config#add');
	await page.click('.cbi-section-create-name');
	await page.keyboard.type(name);
	await page.click('.cbi-section-create:has(.cbi-section-create-name) .cbi-button-add');
	await page.fill(`#modal_overlay [data-name=rootfs] input`, 'relative');
	await page.keyboard.press('Tab');
	await page.waitForSelector('#modal_overlay .cbi-input-invalid');
	await done('a value that is none is refused');

	await page.fill('#modal_overlay [data-name=rootfs] input', process.env.LUCI_ROOTFS || '/');

	for (const word of [ '/bin/sh', '-c', 'while :; do echo alive; sleep 1; done' ]) {
		await page.fill('#modal_overlay [data-name=command] .add-item input', word);
		await page.keyboard.press('Enter');
	}

	await page.click('#modal_overlay > .modal > .button-row .cbi-button-positive.important');
	await page.waitForSelector(`tr[data-sid=${name}]`);
	await apply();
	await done('a container is added, saved and applied');

	await go('overview');
	await page.waitForSelector(`tr[data-name=${name}] .label.success`, { timeout: 30000 });
	await done('it runs');

	await go(`container/${name}#logs`);
	await page.waitForFunction(() => document.querySelector('pre[role=log]').textContent.includes('alive'), null, { timeout: 30000 });
	await done('its log is followed');
	await page.click('li[data-tab=stats] a');
	await page.waitForFunction(() => document.querySelector('path').getAttribute('d').includes('L'), null, { timeout: 30000 });
	await done('figures move');
	await page.click('li[data-tab=overview] a');

	const pid = () => page.evaluate(() => document.querySelectorAll('[data-tab=overview] td:last-child')[3].textContent);
	const before = await pid();

	await page.click('[data-tab=overview] button:has-text("Restart")');
	await page.click('#modal_overlay button:has-text("Restart")');
	await page.waitForFunction(old => ![ old, '–' ].includes(document.querySelectorAll('[data-tab=overview] td:last-child')[3].textContent), before, { timeout: 60000 });
	await done('it is restarted');

	await go('config');
	await page.click(`tr[data-sid=${name}] .cbi-button-remove`);
	await page.click('#modal_overlay button:has-text("Delete")');
	await apply();
	await go('overview');
	await page.waitForSelector(`tr[data-name=${name}]`, { state: 'detached', timeout: 60000 });
	await done('it is deleted, and gone');
	await browser.close();

	if (errors.length)
		throw new Error(`the pages had errors: ${errors.join('; ')}`);
}

main().catch(error => {
	console.error(`not ok ${step + 1} - ${error.message}`);
	process.exit(1);
});
