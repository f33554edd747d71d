// SPDX-License-Identifier: LGPL-2.1-only
'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const { open } = require('./page.cjs');

const hostile = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>';

function container(more) {
	return { name: 'web', defined: true, checked: true, state: 'running', pid: 7, age: 65000, enabled: true, profile: 'default', rootfs: '/srv/web', overlay: 'none', restart: 'always',
		network: 'none', ports: [], interfaces: [], ...more };
}

function router(containers, more) {
	let time = 1000;

	return {
		list: () => ({ uptime: time, memory: 1 << 28, problems: [], containers }),
		stats: () => ({ uptime: time += 1000, containers: { web: { cpu: time * 250, memory: 1 << 24, memory_limit: 1 << 25, pids: 3, network: { eth0: { rx: time, tx: 2 * time } } } } }),
		host: { memory: 1 << 28, available: 1 << 27, storage: { path: '/srv', free: 1 << 30 }, containers: {} },
		status: ({ name }) => containers.find(c => c.name == name) || { error: `there is no container ${name}` },
		logs: { lines: [ 'one', 'two' ] },
		processes: { total: 1, processes: [ { pid: 7, inner: '1', uid: '0', state: 'S', cpu: 10, memory: 4096, command: 'httpd' } ] },
		start: { job: { action: 'start', running: true } },
		stop: { job: { action: 'stop', running: true } },
		restart: { job: { action: 'restart', running: true } },
		kill: {},
		...more
	};
}

/* Nothing that came from the router has become an element. */
function stayedText(page) {
	assert.equal(page.document.querySelectorAll('img, script, b').length, 0);
	assert.equal(page.window.pwned, undefined);
}

test('overview: names, states, figures', async () => {
	const page = open(router([ container({ interfaces: [ { ifname: 'eth0', up: true, proto: 'dhcp', addresses: [ '192.168.1.20/24' ] } ],
		ports: [ { src: 'wan', proto: 'tcp', src_dport: '443', dest_port: '8443' } ] }), container({ name: 'db', state: 'failed', exit: 3, enabled: false }) ]));

	await page.show('overview');
	await page.poll();

	const rows = page.document.querySelectorAll('tr[data-name]');

	assert.deepEqual([ ...rows ].map(r => r.dataset.name), [ 'web', 'db' ]);
	assert.match(rows[0].textContent, /running.*for 1 min/);
	assert.match(rows[0].textContent, /192\.168\.1\.20\/24.*wan: 443\/tcp → 8443.*reachable from the internet/);
	assert.match(rows[1].textContent, /failed \(exit status 3\)/);
	assert.deepEqual([ ...rows[0].querySelectorAll('[role=progressbar]') ].map(b => b.title), [ '25 %', '16.0 MiB of 32.0 MiB' ]);
	assert.deepEqual([ ...rows[0].querySelectorAll('[role=progressbar]') ].map(b => b.firstChild.style.width), [ '25%', '50%' ]);
	assert.match(page.document.body.textContent, /1 of 2 running, 1 failed, memory 16\.0 MiB, 3 processes/);
});

test('overview: polling moves nothing that has not changed', async () => {
	const list = [ container(), container({ name: 'db', state: 'stopped' }) ];
	const page = open(router(list));

	await page.show('overview');

	const row = page.document.querySelector('tr[data-name=web]'), before = [ ...row.querySelectorAll('*') ];
	const stop = page.button('Stop', row);

	stop.focus();
	await page.poll(3);
	assert.deepEqual([ ...row.querySelectorAll('*') ], before);
	assert.equal(page.document.activeElement, stop);

	list[0].state = 'paused';
	await page.poll();
	assert.equal(page.document.querySelector('tr[data-name=web]'), row);
	assert.match(row.textContent, /paused/);
	assert.equal(page.document.activeElement, stop);

	list.shift();
	await page.poll();
	assert.deepEqual([ ...page.document.querySelectorAll('tr[data-name]') ].map(r => r.dataset.name), [ 'db' ]);
});

test('overview: before the first container', async () => {
	const page = open(router([]));

	await page.show('overview');
	assert.equal(page.document.querySelector('table').hidden, true);
	assert.match(page.document.body.textContent, /No containers yet/);
	assert.ok(page.document.querySelector('a[href$="config#add"]'));
});

test('overview: hostile texts stay texts', async () => {
	const page = open(router([ container({ name: hostile, rootfs: hostile, network: hostile, profile: hostile, problems: [ hostile ], state: 'failed', exit: 127,
		job: { action: 'start', running: false, exit: 1, output: hostile }, ports: [ { src: hostile, proto: hostile, src_dport: hostile } ],
		interfaces: [ { ifname: hostile, addresses: [ hostile ] } ] }) ],
	{ list: undefined, host: { containers: { x: [ hostile ] }, storage: { path: hostile, refused: hostile } } }));

	page.calls.length = 0;
	await assert.rejects(page.show('overview'), /does not answer/);

	const again = open(router([ container({ name: hostile, rootfs: hostile, problems: [ hostile ], network: hostile, interfaces: [ { addresses: [ hostile ] } ],
		ports: [ { src: hostile, proto: hostile, src_dport: hostile } ], job: { running: false, exit: 1, output: hostile } }) ],
	{ host: { containers: { x: [ hostile ] }, storage: { path: hostile, refused: hostile } } }));

	await again.show('overview');
	await again.poll();
	assert.ok(again.document.body.textContent.split(hostile).length > 8);
	stayedText(again);
});

test('overview: faults of the configuration are told', async () => {
	const page = open(router([], { list: { uptime: 1, memory: 1, problems: [ '/etc/config/container:web:rootfs: is required (or bundle)' ], containers: [] } }));

	await page.show('overview');
	assert.match(page.document.querySelector('[role=alert]').textContent, /container:web:rootfs/);
});

test('overview: stop asks, says what happens to data, and does it once', async () => {
	const page = open(router([ container({ overlay: 'tmpfs' }) ]));

	await page.show('overview');
	page.button('Stop').click();
	assert.match(page.document.getElementById('dialog').textContent, /Stop web\?.*whatever it has written there is lost/);
	assert.equal(page.document.activeElement.textContent, 'Cancel');
	page.document.activeElement.click();
	assert.equal(page.calls.filter(c => c.method == 'stop').length, 0);

	page.button('Stop').click();
	page.button('Stop', page.document.getElementById('dialog')).click();
	await new Promise(setImmediate);
	assert.deepEqual(page.calls.filter(c => c.method == 'stop'), [ { object: 'containers', method: 'stop', input: { name: 'web' } } ]);
	assert.equal(page.document.getElementById('dialog').textContent, '');
});

test('overview: Escape is no, and the focus comes back', async () => {
	const page = open(router([ container() ]));

	await page.show('overview');

	const button = page.button('Restart');

	button.focus();
	button.click();
	page.document.dispatchEvent(new page.window.KeyboardEvent('keydown', { key: 'Escape' }));
	await new Promise(setImmediate);
	assert.equal(page.calls.filter(c => c.method == 'restart').length, 0);
	assert.equal(page.document.activeElement, button);
});

test('overview: a refusal is shown as it is', async () => {
	const page = open(router([ container({ state: 'stopped' }) ], { start: { error: `web: ${hostile}` } }));

	await page.show('overview');
	page.button('Start').click();
	await new Promise(setImmediate);
	assert.deepEqual(page.notes, [ `web: ${hostile}` ]);
});

test('overview: buttons fit the state, and nobody acts who may only look', async () => {
	const list = [ container(), container({ name: 'b', state: 'stopped' }), container({ name: 'c', state: 'stopped', job: { action: 'start', running: true } }),
		container({ name: 'd', defined: false }) ];
	const enabled = page => [ ...page.document.querySelectorAll('tr[data-name]') ].map(r => [ ...r.querySelectorAll('button') ].filter(b => !b.disabled).map(b => b.textContent).join());
	const page = open(router(list));

	await page.show('overview');
	assert.deepEqual(enabled(page), [ 'Stop,Restart', 'Start', '', 'Stop' ]);

	const reader = open(router(list), { write: false });

	await reader.show('overview');
	await reader.poll();
	assert.deepEqual(enabled(reader), [ '', '', '', '' ]);
	assert.equal(reader.document.querySelector('a[href$="config#add"]'), null);
});

test('container: all tabs, hostile texts stay texts', async () => {
	const one = container({ rootfs: hostile, lacks: [ hostile ], last_error: hostile, restart: hostile, network: hostile, options: { command: [ hostile ], env: [ hostile ] },
		interfaces: [ { ifname: hostile, up: false, proto: hostile, on: hostile, addresses: [ hostile ] } ], ports: [ { src: hostile, proto: hostile, src_dport: hostile } ] });
	const page = open(router([ one ], { logs: { lines: [ hostile, 'two' ] }, processes: { total: 300, processes: [ { pid: 1, command: hostile, uid: hostile, state: hostile } ] } }),
		{ path: [ 'admin', 'services', 'containers', 'container', 'web' ] });

	await page.show('container');

	for (const tab of [ 'stats', 'processes', 'logs', 'configuration' ]) {
		page.document.querySelector(`[data-tab=${tab}]`).dispatchEvent(new page.window.Event('cbi-tab-active'));
		await new Promise(setImmediate);
		await page.poll(3);
	}

	assert.equal(page.document.querySelector('pre[role=log]').textContent, `${hostile}\ntwo`);
	assert.match(page.document.querySelector('[data-tab=processes]').textContent, /300 processes, of which the first 1 are shown/);
	stayedText(page);
});

test('container: charts get a point for each answer', async () => {
	const page = open(router([ container() ]), { path: [ 'container', 'web' ] });

	await page.show('container');
	page.document.querySelector('[data-tab=stats]').dispatchEvent(new page.window.Event('cbi-tab-active'));
	await page.poll(4);

	const paths = [ ...page.document.querySelectorAll('path') ].map(p => p.getAttribute('d').split(/[ML]/).length - 1);

	assert.deepEqual(paths, [ 4, 4, 4, 4 ]);
	assert.deepEqual([ ...page.document.querySelectorAll('svg') ].map(s => s.getAttribute('aria-label')),
		[ 'CPU: 25 %', 'Memory: 16.0 MiB of 32.0 MiB', 'Network: received (solid), sent (dashed): received 0.98 KiB/s, sent 1.95 KiB/s' ]);
});

test('container: the log is filtered, and followed only at its end', async () => {
	const answers = router([ container() ]);
	const page = open(answers, { path: [ 'container', 'web' ] });

	await page.show('container');
	page.document.querySelector('[data-tab=logs]').dispatchEvent(new page.window.Event('cbi-tab-active'));
	await new Promise(setImmediate);

	const log = page.document.querySelector('pre[role=log]'), filter = page.document.querySelector('input[type=search]');

	filter.value = 'TW';
	filter.dispatchEvent(new page.window.Event('input'));
	assert.equal(log.textContent, 'two');
	filter.value = '';
	answers.logs = { lines: [ 'three' ] };
	page.view.log.follow.checked = false;
	await page.poll(3);
	assert.equal(log.textContent, 'two');
	page.view.log.follow.checked = true;
	await page.poll(3);
	assert.equal(log.textContent, 'three');
});

test('container: one that is not there, and a signal', async () => {
	const page = open(router([ container() ]), { path: [ 'container', 'nobody' ] });

	await page.show('container');
	assert.match(page.document.body.textContent, /there is no container nobody/);

	const web = open(router([ container() ]), { path: [ 'container', 'web' ] });

	await web.show('container');
	web.document.querySelector('select[aria-label=Signal]').value = 'USR1';
	web.button('Send signal').click();
	assert.deepEqual(web.calls.at(-1), { object: 'containers', method: 'kill', input: { name: 'web', signal: 'USR1' } });

	const reader = open(router([ container() ]), { write: false, path: [ 'container', 'web' ] });

	await reader.show('container');
	assert.deepEqual([ ...reader.document.querySelectorAll('[data-tab=overview] button') ].map(b => b.disabled), [ true, true, true, true ]);
});
