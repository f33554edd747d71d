// SPDX-License-Identifier: LGPL-2.1-only
'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const { load } = require('./loader.cjs');

const model = load('containers.model');
const format = load('containers.format');
const chart = load('containers.chart', {}, { E: () => null, document: {} });
const sections = load('containers.sections');
const forms = load('containers.forms');
const options = load('containers.options');

test('numbers as people read them', () => {
	assert.deepEqual([ 0, 999, 1000, 1536, 64 << 20, 1.5 * 2 ** 40, -1, undefined, NaN ].map(n => format.bytes(n)),
		[ '0 B', '999 B', '0.98 KiB', '1.50 KiB', '64.0 MiB', '1.50 TiB', '–', '–', '–' ]);
	assert.deepEqual([ 0, 0.04, 9.99, 10, 250, null ].map(n => format.percent(n)), [ '0 %', '0.0 %', '10.0 %', '10 %', '250 %', '–' ]);
	assert.deepEqual([ 0, 59999, 60000, 3723000, 90000000, undefined ].map(n => format.duration(n)), [ '0 s', '59 s', '1 min', '1 h 02 min', '1 d 01 h', '–' ]);
});

test('a state has a word', () => {
	const word = c => model.state(c).word;

	assert.deepEqual([ 'running', 'paused', 'creating', 'created', 'starting', 'failed', 'stopped' ].map(state => word({ state, exit: 1 })),
		[ 'running', 'paused', 'starting', 'starting', 'starting', 'failed', 'stopped' ]);
	assert.equal(word({ state: 'running', job: { running: true, action: 'stop' } }), 'stopping');
	assert.equal(word({ state: 'stopped', job: { exit: 3 } }), 'failed');
	assert.equal(word({ state: 'stopped', job: { exit: 0 } }), 'stopped');
	assert.equal(word({ state: 'stopped', job: { interrupted: true } }), 'failed');
	assert.match(model.state({ state: 'failed', exit: 143 }).text, /ended by signal 15/);
	assert.match(model.state({ state: 'failed', exit: 127 }).text, /not found/);
});

test('definition and runtime disagree', () => {
	const notes = c => model.notes(c).map(n => n.text).join('; ');

	assert.match(notes({ defined: false, checked: true, state: 'running' }), /deleted, but still running/);
	assert.equal(notes({ defined: false, checked: false, state: 'running' }), '');
	assert.match(notes({ defined: true, changed: true, state: 'running' }), /restart needed/);
	assert.equal(notes({ defined: true, changed: true, state: 'stopped' }), '');
	assert.match(notes({ defined: true, profile: 'privileged', state: 'stopped' }), /root of the router/);
});

test('rates', () => {
	const at = (uptime, cpu, rx) => ({ uptime, containers: { a: { cpu, network: { eth0: { rx, tx: 0 }, eth1: { rx: 1, tx: 0 } } } } });

	assert.deepEqual(model.rates(at(1000, 0, 0), at(3000, 1000000, 4096), 'a'), { cpu: 50, rx: 2048, tx: 0 });
	assert.deepEqual(model.rates(at(1000, 5, 5), at(2000, 4, 4), 'a'), { cpu: null, rx: null, tx: 0 });
	assert.equal(model.rates(at(1000, 0, 0), at(1000, 5, 5), 'a'), null);
	assert.equal(model.rates(undefined, at(1000, 0, 0), 'a'), null);
	assert.equal(model.rates(at(1, 0, 0), at(2, 0, 0), 'b'), null);
});

test('charts', () => {
	assert.deepEqual([ [ [ 3 ], 0, 1000 ], [ [ 70, null ], 10, 1000 ], [ [], 0, 1000 ], [ [ 3 * 1024 ], 1024, 1024 ], [ [ 64 << 20 ], 0, 1024 ], [ [ 900 << 20 ], 0, 1024 ] ]
		.map(a => chart.ceiling(...a)), [ 5, 100, 1, 5 * 1024, 100 << 20, 1000 << 20 ]);

	const points = [ { time: 0, v: 0 }, { time: 1000, v: 5 }, { time: 2000, v: null }, { time: 3000, v: 99 } ];

	assert.equal(chart.path(points, 'v', 3000, 10), 'M0.0 160.0L200.0 80.0M600.0 0.0');
	assert.equal(chart.path([ { time: 0, v: '"><script>' } ], 'v', 10, 10), '');

	const kept = [];

	for (let time = 0; time <= 90000; time += 1000)
		chart.push(kept, { time }, 60000);
	assert.equal(kept[0].time, 30000);
});

/* A uci as LuCI's is. */
function uci(list) {
	const all = new Map(list.map(s => [ s['.name'], s ]));
	let next = 0;

	return {
		all,
		get: (config, sid, option) => option ? (all.get(sid) || {})[option] : all.get(sid),
		sections: (config, type) => [ ...all.values() ].filter(s => !type || s['.type'] == type),
		set: (config, sid, option, value) => { all.get(sid)[option] = value },
		add(config, type, name) {
			const sid = name || `new${++next}`;

			all.set(sid, { '.name': sid, '.type': type, '.anonymous': !name });

			return sid;
		},
		remove: (config, sid) => all.delete(sid)
	};
}

const described = () => uci([
	{ '.name': 'web', '.type': 'container', name: 'my-web', rootfs: '/srv/web', command: [ 'a', 'b' ], overlay_dir: '/x', enabled: '1' },
	{ '.name': 'n', '.type': 'network', container: 'my-web', interface: 'lan', proto: 'static', ipaddr: [ '10.0.0.2/24' ], macaddr: '02:00:00:00:00:01' },
	{ '.name': 'p', '.type': 'port', container: 'web', src: 'lan', src_dport: '80' },
	{ '.name': 'm', '.type': 'mount', container: 'web', source: '/a', target: '/b' },
	{ '.name': 'db', '.type': 'container', network: 'container:my-web', depends: [ 'x' ] },
	{ '.name': 'job', '.type': 'container', depends: [ 'web' ], network: 'host' },
	{ '.name': 'o', '.type': 'mount', container: 'db', source: '/a', target: '/b' }
]);

test('deleting a container takes along what belongs to it, and nothing else', () => {
	const u = described();

	assert.deepEqual(sections.users(u, 'web'), [ 'db', 'job' ]);
	sections.remove(u, 'web');
	assert.deepEqual([ ...u.all.keys() ], [ 'db', 'job', 'o' ]);
});

test('a duplicate shares nothing that two cannot have', () => {
	const u = described(), sid = sections.duplicate(u, 'web');

	assert.equal(sid, 'my_web_2');
	assert.deepEqual(u.all.get(sid), { '.name': sid, '.type': 'container', '.anonymous': false, rootfs: '/srv/web', command: [ 'a', 'b' ], enabled: '0' });
	assert.notEqual(u.all.get(sid).command, u.all.get('web').command);
	assert.deepEqual(sections.partsOf(u, sid).map(s => [ s['.type'], s.interface, s.ipaddr, s.macaddr, s.target ]), [ [ 'network', 'lan', undefined, undefined, undefined ],
		[ 'mount', undefined, undefined, undefined, '/b' ] ]);
	assert.equal(sections.duplicate(u, 'web'), 'my_web_3');
});

test('every option stands in the forms, once', () => {
	const where = { container: forms.tabs.flatMap(([ , , list ]) => list), globals: forms.globals };

	for (const [ type, , , , list ] of forms.parts)
		where[type] = list;

	assert.deepEqual(Object.keys(where).sort(), Object.keys(options.sections).sort());

	for (const type in options.sections) {
		const names = Object.keys(options.sections[type]).filter(name => type == 'container' || name != 'container');

		assert.deepEqual(where[type].map(([ name ]) => name).sort(), names.sort(), type);
	}

	assert.deepEqual(forms.parts.map(([ type ]) => type).sort(), [ ...model.parts ].sort());
	assert.deepEqual(forms.tabs.map(([ name ]) => name), [ 'general', 'network', 'mounts', 'environment', 'limits', 'security' ]);
});

test('an option gets the widget that its kind wants, and its validation', () => {
	const made = (section, name) => {
		const opt = { values: [], conditions: [], value(v) { this.values.push(v) }, depends(a, b) { this.conditions.push([ a, b ]) } };

		forms.setUp(opt, section, name);

		return opt;
	};
	const widget = (section, name) => forms.widget(options.sections[section][name]);

	assert.deepEqual([ widget('container', 'command'), widget('container', 'profile'), widget('container', 'enabled'), widget('container', 'mdwe'), widget('container', 'memory') ],
		[ 'DynamicList', 'ListValue', 'Flag', 'ListValue', 'Value' ]);
	assert.equal(made('container', 'command').allowduplicates, true);
	assert.deepEqual(made('container', 'mdwe').values, [ '', '1', '0' ]);
	assert.deepEqual(made('container', 'overlay_size').conditions, [ [ 'overlay', 'tmpfs' ] ]);
	assert.equal(made('container', 'memory').validate('x', '64M'), true);
	assert.match(made('container', 'memory').validate('x', hostile), /must be a size/);
	assert.equal(made('container', 'memory').validate('x', ''), true);
	assert.match(made('port', 'src').validate('x', ''), /required/);
	assert.ok(made('container', 'cap_add').values.includes('NET_ADMIN'));
});

const hostile = '<img src=x onerror=alert(1)>';
