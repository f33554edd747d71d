// SPDX-License-Identifier: LGPL-2.1-only
'use strict';

/*
 * A page of LuCI's as far as ours need one: jsdom's document, E and L as luci.js has them, and a router that answers what the test says.
 */

const { JSDOM } = require('jsdom');
const { load, baseclass } = require('./loader.cjs');

function append(document, parent, children) {
	for (const child of [].concat(children)) {
		if (child === null || child === undefined)
			continue;

		parent.appendChild(child.nodeType ? child : document.createTextNode(String(child)));
	}
}

/* open: a page with answers {method: function or value}, for an account that may write or not. */
function open(answers, { write = true, path = [] } = {}) {
	const window = new JSDOM('<!DOCTYPE html><div id="view"></div><div id="dialog"></div>', { url: 'http://router.example/cgi-bin/luci/admin' }).window;
	const document = window.document;
	const page = { window, document, calls: [], polls: [], notes: [] };

	/* LuCI's takes a string for HTML: so does this one, that a test sees who relies on it. */
	const E = (html, attr, data) => {
		if (Array.isArray(attr) || typeof attr == 'string' || attr && attr.nodeType)
			[ attr, data ] = [ null, attr ];

		const node = document.createElement(html);

		for (const key in attr || {}) {
			if (typeof attr[key] == 'function')
				node.addEventListener(key, attr[key]);
			else if (attr[key] !== null && attr[key] !== undefined)
				node.setAttribute(key, attr[key]);
		}

		if (typeof data == 'string')
			node.innerHTML = data;
		else
			append(document, node, data);

		return node;
	};
	const L = {
		env: { requestpath: path },
		url: (...parts) => `/cgi-bin/luci/${parts.join('/')}`,
		hasViewPermission: () => write ? true : false,
		resolveDefault: (promise, value) => Promise.resolve(promise).catch(() => value)
	};
	const core = {
		view: { extend: baseclass.extend },
		poll: { add(f, seconds) { page.polls.push({ f, seconds }) }, start() {} },
		rpc: {
			declare: d => (...args) => {
				const input = {};

				(d.params || []).forEach((name, i) => { input[name] = args[i] });
				page.calls.push({ object: d.object, method: d.method, input });

				const answer = answers[d.method];

				return Promise.resolve(typeof answer == 'function' ? answer(input) : answer === undefined ? 2 : answer);
			}
		},
		ui: {
			addNotification(title, body) { page.notes.push(body.textContent) },
			showModal(title, children) {
				const dialog = document.getElementById('dialog');

				dialog.replaceChildren(E('h4', {}, title));
				append(document, dialog, children);
			},
			hideModal() { document.getElementById('dialog').replaceChildren() },
			tabs: { initTabGroup() {} },
			createHandlerFn: (self, f) => f
		}
	};
	const globals = { E, L, document, window, location: window.location, CSS: { escape: s => s }, URL: window.URL, Blob: window.Blob };

	page.load = name => load(name, core, globals);
	page.show = async name => {
		page.view = page.load(`view.containers.${name}`);
		document.getElementById('view').replaceChildren(await page.view.render(await page.view.load()));
	};
	page.poll = async (times = 1) => {
		for (let i = 0; i < times; i++)
			for (const { f } of page.polls)
				await f();
	};
	page.button = (text, parent = document) => [ ...parent.querySelectorAll('button') ].find(b => b.textContent == text);

	return page;
}

module.exports = { open };
