// SPDX-License-Identifier: LGPL-2.1-only
'use strict';

/*
 * Loads a class of the web interface as LuCI does: 'require x.y as z' at its head, the rest a function that returns a class. What is LuCI's own is
 * given by the test.
 */

const fs = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '../../luci/htdocs/luci-static/resources');

/* As cbi.js has it: only what the pages use. */
function format(text, args) {
	let i = 0;

	return text.replace(/%(%|[sd])/g, (all, kind) => {
		if (kind == '%')
			return '%';

		const v = args[i++];

		return kind == 'd' ? String(Math.trunc(v) || 0) : String(v === undefined || v === null ? '' : v);
	});
}

if (!String.prototype.format)
	Object.defineProperty(String.prototype, 'format', { value(...args) { return format(String(this), args) } });

class Base {}

function extend(properties, Parent) {
	class Child extends Parent {}

	Object.assign(Child.prototype, properties);
	Child.extend = more => extend(more, Child);

	return Child;
}

const baseclass = { extend: properties => extend(properties, Base) };

/* load: an instance of the class, and with it of those that it wants. core has LuCI's classes by name, globals what a page finds. */
function load(name, core = {}, globals = {}, loaded = {}) {
	if (name in loaded)
		return loaded[name];
	if (name == 'baseclass')
		return baseclass;
	if (name in core)
		return core[name];

	const file = path.join(root, `${name.replace(/\./g, '/')}.js`);
	const text = fs.readFileSync(file, 'utf8');
	const all = { _: s => s, ...globals };

	for (const m of text.matchAll(/^'require ([\w.]+)(?: as (\w+))?';$/gm))
		all[m[2] || m[1].replace(/\./g, '_')] = load(m[1], core, globals, loaded);

	const names = Object.keys(all);
	const made = new Function(...names, `${text}\n//# sourceURL=${file}`)(...names.map(n => all[n]));

	loaded[name] = typeof made == 'function' ? new made() : made;

	return loaded[name];
}

module.exports = { load, root, extend, baseclass, Base };
