// SPDX-License-Identifier: LGPL-2.1-only
'use strict';
'require view';
'require poll';
'require ui';
'require containers.rpc as backend';
'require containers.model as model';
'require containers.format as format';
'require containers.widgets as widgets';
'require containers.chart as chart';

const lines = 500;      /* of the log, at most */

/* A table of two columns, name and value, whose values are written in place. */
function facts(rows) {
	const table = E('table', { 'class': 'table' });
	const set = {};

	for (const [ key, title ] of rows) {
		const value = E('td', { 'class': 'td left', 'style': 'overflow-wrap:anywhere' });

		set[key] = widgets.cell(value, v => [].concat(v));
		table.appendChild(E('tr', { 'class': 'tr' }, [ E('td', { 'class': 'td left', 'width': '33%' }, [ title ]), value ]));
	}

	return { table, set };
}

return view.extend({
	load() {
		const path = L.env.requestpath || [];

		this.name = decodeURIComponent(path[path.length - 1] || '');

		return Promise.all([ backend.status(this.name), L.resolveDefault(backend.stats(), {}) ]).catch(error => error);
	},

	render(data) {
		const back = E('p', [ E('a', { 'href': L.url('admin/services/containers/overview') }, [ _('Back to all containers') ]) ]);

		if (data instanceof Error)
			return E('div', [ E('h2', [ this.name ]), E('div', { 'class': 'alert-message warning', 'role': 'alert' }, [ E('p', [ data.message ]) ]), back ]);

		this.writable = L.hasViewPermission() === true;
		this.points = [];

		const pane = (name, title, children) => E('div', { 'data-tab': name, 'data-tab-title': title }, [ ...children ]);
		const panes = E('div', [
			pane('overview', _('Overview'), this.renderOverview()),
			pane('stats', _('Statistics'), this.renderStats()),
			pane('processes', _('Processes'), this.renderProcesses()),
			pane('logs', _('Logs'), this.renderLogs()),
			pane('console', _('Console'), this.renderConsole()),
			pane('configuration', _('Configuration'), this.renderConfiguration())
		]);

		for (const p of panes.childNodes)
			p.addEventListener('cbi-tab-active', () => this.opened(p.getAttribute('data-tab')));

		const page = E('div', [ E('h2', [ this.name ]), back, panes ]);

		this.panes = panes;
		this.tab = 'overview';
		ui.tabs.initTabGroup(panes.childNodes);

		if (location.hash.length > 1)
			window.setTimeout(() => this.show(location.hash.substring(1)), 0);

		this.refresh(data);
		poll.add(() => this.poll(), 1);

		return page;
	},

	/* show opens a tab as a click does. */
	show(name) {
		const menu = this.panes.parentNode.querySelector(`ul.cbi-tabmenu li[data-tab="${CSS.escape(name)}"] a`);

		if (menu)
			menu.click();
	},

	opened(tab) {
		this.tab = tab;

		if (tab == 'logs')
			this.readLogs();
		else if (tab == 'processes')
			this.readProcesses();
	},

	/* poll asks for the figures each second while they are looked at, and every third for all else. */
	poll() {
		this.ticks = (this.ticks || 0) + 1;

		if (this.ticks % 3)
			return this.tab == 'stats' ? backend.stats().then(stats => this.refreshStats(stats)).catch(() => null) : null;

		return Promise.all([ backend.status(this.name), L.resolveDefault(backend.stats(), {}) ]).then(data => {
			this.refresh(data);

			if (this.tab == 'logs' && this.log.follow.checked)
				return this.readLogs();
			if (this.tab == 'processes')
				return this.readProcesses();
		}).catch(error => this.facts.set.notes([ { text: error.message, tone: 'warning' } ]));
	},

	/* refresh writes what is new into the page. */
	refresh([ c, stats ]) {
		const runs = model.runs(c), busy = !!(c.job && c.job.running);
		const set = this.facts.set;

		this.current = c;
		set.state(model.state(c));
		set.notes(model.notes(c));
		set.uptime(runs && typeof c.age == 'number' ? format.duration(c.age) : '–');
		set.pid(runs && c.pid ? String(c.pid) : '–');
		set.image(model.image(c));
		set.layer(model.layer(c) || _('none'));
		set.profile(c.profile || '–');
		set.restart(c.restart || '–');
		set.autostart(c.enabled === undefined ? '–' : c.enabled ? _('yes') : _('no'));
		set.network({ network: c.network || '–', interfaces: c.interfaces || [] });
		set.ports(model.ports(c));
		this.setOptions(c.options || {});

		for (const action in this.buttons)
			this.buttons[action].disabled = !this.writable || busy ||
				(action == 'start' ? runs || !c.defined : action == 'restart' ? !runs || !c.defined : !runs);

		this.refreshStats(stats);
	},

	refreshStats(stats) {
		const f = model.figures(stats, this.name), rates = model.rates(this.before, stats, this.name);

		if (!stats.uptime)
			return;

		if (this.before)
			chart.push(this.points, { time: stats.uptime, cpu: rates ? rates.cpu : null, memory: f.memory, rx: rates ? rates.rx : null, tx: rates ? rates.tx : null }, 61000);

		this.before = stats;
		this.draw(f, rates);
	},

	draw(f, rates) {
		const span = 1000 * this.span.value, now = this.points.length ? this.points[this.points.length - 1].time : 0;
		const recent = this.points.filter(p => p.time >= now - span);
		const values = (...keys) => recent.flatMap(p => keys.map(key => p[key]));
		const from = _('%d s ago').format(span / 1000);
		const cpu = chart.ceiling(values('cpu'), Math.max(10, f.cpu_limit || 0), 1000);
		const memory = chart.ceiling(values('memory'), Math.max(1024 * 1024, f.memory_limit || 0), 1024);
		const network = chart.ceiling(values('rx', 'tx'), 1024, 1024);

		this.charts.cpu.update(recent, span, { top: cpu, limit: f.cpu_limit || 0, from, topText: _('top: %s').format(format.percent(cpu)),
			text: rates ? format.percent(rates.cpu) : '–' });
		this.charts.memory.update(recent, span, { top: memory, limit: f.memory_limit || 0, from, topText: _('top: %s').format(format.bytes(memory)),
			text: f.memory_limit ? _('%s of %s').format(format.bytes(f.memory), format.bytes(f.memory_limit)) : format.bytes(f.memory) });
		this.charts.network.update(recent, span, { top: network, limit: 0, from, topText: _('top: %s').format(format.rate(network)),
			text: rates ? _('received %s, sent %s').format(format.rate(rates.rx), format.rate(rates.tx)) : '–' });
		this.counts(f.pids === undefined ? '' : (f.pids_limit ? _('%d processes and threads of %d').format(f.pids, f.pids_limit) : _('%d processes and threads').format(f.pids))
			+ (f.oom ? ' · ' + _('memory ran out %d times').format(f.oom) : ''));
	},

	renderOverview() {
		this.facts = facts([
			[ 'state', _('State') ], [ 'notes', _('Remarks') ], [ 'uptime', _('Running for') ], [ 'pid', _('Process') ], [ 'autostart', _('Autostart') ], [ 'restart', _('Restart') ],
			[ 'image', _('Image') ], [ 'layer', _('Writable layer') ], [ 'profile', _('Profile') ], [ 'network', _('Network') ], [ 'ports', _('Ports') ]
		]);

		const rows = this.facts.table.querySelectorAll('td:last-child');

		this.facts.set.state = widgets.cell(rows[0], s => widgets.badge(s.text, s.tone));
		this.facts.set.notes = widgets.cell(rows[1], list => list.length ? list.map(n => E('div', { 'style': 'white-space:pre-wrap' }, [ n.text ])) : '–');
		this.facts.set.network = widgets.cell(rows[9], v => [ E('div', [ v.network ]), ...v.interfaces.map(i => E('div', [
			_('%s on %s, %s: %s').format(i.ifname, i.on || '–', i.proto, (i.addresses || []).join(' ') || _('no address yet')), i.up ? '' : ' ', i.up ? '' : widgets.badge(_('down'), 'warning')
		])) ]);
		this.facts.set.ports = widgets.cell(rows[10], list => list.length ? list.map(p => E('div', [ p.text, ...(p.note ? [ ' ', widgets.badge(p.note, 'warning') ] : []) ])) : '–');

		this.buttons = {};

		const button = (action, text, tone) => this.buttons[action] = E('button', { 'class': `btn cbi-button ${tone}`, 'disabled': '',
			'click': () => widgets.act(action, this.current).then(() => poll.start()) }, [ text ]);
		const signal = E('select', { 'class': 'cbi-input-select', 'aria-label': _('Signal'), 'style': 'width:auto' },
			[ 'HUP', 'USR1', 'USR2', 'INT', 'TERM', 'KILL' ].map(name => E('option', { 'value': name }, [ name ])));

		this.buttons.kill = E('button', { 'class': 'btn cbi-button', 'disabled': '', 'click': () => backend.kill(this.name, signal.value).catch(error =>
			widgets.complain(_('%s was not changed').format(this.name), error)) }, [ _('Send signal') ]);

		return [
			E('p', [
				button('start', _('Start'), 'cbi-button-positive'), ' ', button('stop', _('Stop'), 'cbi-button-negative'), ' ',
				button('restart', _('Restart'), 'cbi-button-action'), ' ', signal, ' ', this.buttons.kill
			]),
			this.facts.table
		];
	},

	renderStats() {
		const counts = E('p');

		this.span = E('select', { 'class': 'cbi-input-select', 'style': 'width:auto', 'id': 'containers-span' }, [ 60, 30, 10 ].map(n =>
			E('option', { 'value': String(n) }, [ _('%d s').format(n) ])));

		this.charts = {
			cpu: chart.create(_('CPU'), [ { key: 'cpu' } ]),
			memory: chart.create(_('Memory'), [ { key: 'memory' } ]),
			network: chart.create(_('Network: received (solid), sent (dashed)'), [ { key: 'rx' }, { key: 'tx' } ])
		};
		this.counts = widgets.cell(counts, text => text);

		return [ E('p', [ E('label', { 'for': 'containers-span' }, [ _('The last') ]), ' ', this.span, ' ', _('A dotted line is the limit, where there is one.') ]), this.charts.cpu.element, this.charts.memory.element,
			this.charts.network.element, counts ];
	},

	renderProcesses() {
		const head = E('tr', { 'class': 'tr table-titles' }, [ _('Process'), _('Inside'), _('User'), _('State'), _('CPU time'), _('Memory'), _('Command') ]
			.map(title => E('th', { 'class': 'th' }, [ title ])));
		const table = E('table', { 'class': 'table', 'aria-label': _('Processes') }, [ head ]);
		const note = E('p', { 'aria-live': 'polite' });

		this.processes = { table, head, rows: new Map(), note: widgets.cell(note, text => text) };

		return [ note, table ];
	},

	readProcesses() {
		return backend.processes(this.name).then(answer => {
			const p = this.processes, seen = new Set();
			let after = p.head;

			p.note(answer.total > answer.processes.length ? _('%d processes, of which the first %d are shown').format(answer.total, answer.processes.length)
				: answer.total ? '' : _('It does not run.'));

			for (const one of answer.processes) {
				const key = String(one.pid);
				let row = p.rows.get(key);

				seen.add(key);

				if (!row) {
					const cells = [ _('Process'), _('Inside'), _('User'), _('State'), _('CPU time'), _('Memory'), _('Command') ].map(title =>
						E('td', { 'class': 'td', 'data-title': title, 'style': 'overflow-wrap:anywhere' }));

					row = { element: E('tr', { 'class': 'tr' }, [ ...cells ]), set: cells.map(cell => widgets.cell(cell, v => v)) };
					p.rows.set(key, row);
				}

				if (after.nextElementSibling !== row.element)
					after.after(row.element);

				after = row.element;
				[ key, one.inner || '–', one.uid || '–', one.state, format.duration(one.cpu), format.bytes(one.memory), one.command ].forEach((v, i) => row.set[i](v));
			}

			for (const key of [ ...p.rows.keys() ]) {
				if (!seen.has(key)) {
					p.rows.get(key).element.remove();
					p.rows.delete(key);
				}
			}
		}).catch(error => this.processes.note(error.message));
	},

	renderLogs() {
		const text = E('pre', { 'style': 'height:30em;overflow:auto;white-space:pre-wrap;overflow-wrap:anywhere', 'tabindex': '0', 'role': 'log', 'aria-label': _('Log') });
		const follow = E('input', { 'type': 'checkbox', 'id': 'containers-follow', 'checked': '' });
		const filter = E('input', { 'type': 'search', 'class': 'cbi-input-text', 'placeholder': _('Filter'), 'aria-label': _('Filter'), 'input': () => this.showLogs() });
		const note = E('p', { 'aria-live': 'polite' });

		follow.checked = true;
		follow.addEventListener('change', () => {
			if (follow.checked)
				this.readLogs();
		});
		/* Whoever scrolls up reads: what is new waits until he is at the end again. */
		text.addEventListener('scroll', () => {
			const end = text.scrollHeight - text.scrollTop - text.clientHeight < 8;

			if (end != follow.checked && !this.log.writing)
				follow.checked = end;
		});
		this.log = { text, follow, filter, lines: [], note: widgets.cell(note, v => v), writing: false };

		return [
			E('p', { 'style': 'display:flex;flex-wrap:wrap;gap:1em;align-items:center' }, [
				E('label', { 'for': 'containers-follow' }, [ follow, ' ', _('Follow') ]), filter,
				E('button', { 'class': 'btn cbi-button', 'click': () => this.download() }, [ _('Download') ])
			]),
			note, text
		];
	},

	readLogs() {
		return backend.logs(this.name, lines).then(answer => {
			this.log.lines = answer.lines || [];
			this.log.note(this.log.lines.length ? '' : _('Nothing in the system log. Output is there with the option “log”, which is on unless it was switched off.'));
			this.showLogs();
		}).catch(error => this.log.note(error.message));
	},

	/* shown are the lines that the filter lets through, whatever the case. */
	shown() {
		const wanted = this.log.filter.value.toLowerCase();

		return this.log.lines.filter(line => line.toLowerCase().includes(wanted));
	},

	showLogs() {
		const log = this.log, text = this.shown().join('\n');

		if (log.text.textContent === text)
			return;

		const top = log.text.scrollTop;

		log.writing = true;
		log.text.textContent = text;
		log.text.scrollTop = log.follow.checked ? log.text.scrollHeight : top;
		window.setTimeout(() => { log.writing = false }, 50);
	},

	download() {
		const url = URL.createObjectURL(new Blob([ this.log.lines.join('\n') + '\n' ], { type: 'text/plain' }));
		const link = E('a', { 'href': url, 'download': `${this.name}.log` });

		link.click();
		window.setTimeout(() => URL.revokeObjectURL(url), 1000);
	},

	renderConsole() {
		const command = text => E('pre', { 'tabindex': '0' }, [ text ]);

		return [
			E('p', [ _('A browser has no way to a terminal of the router without a further package. Log in by SSH and type:') ]),
			E('h4', [ _('One more program in it, without a terminal') ]), command(`ubus call container.${this.name} exec '{"args": ["sh", "-c", "id >/tmp/id"]}'`)
		];
	},

	renderConfiguration() {
		const table = E('table', { 'class': 'table' });

		this.setOptions = widgets.cell(table, options => Object.keys(options).sort().map(name => E('tr', { 'class': 'tr' }, [
			E('td', { 'class': 'td left', 'width': '33%' }, [ name ]),
			E('td', { 'class': 'td left', 'style': 'overflow-wrap:anywhere' }, options[name].map(value => E('div', [ value === '' ? '""' : value ])))
		])));

		return [
			E('p', [ _('The options that are given in /etc/config/container. Of the environment and of annotations only the names are shown.') ]),
			table,
			this.writable ? E('p', [ E('a', { 'class': 'btn cbi-button cbi-button-edit', 'href': `${L.url('admin/services/containers/config')}#edit=${encodeURIComponent(this.name)}` }, [ _('Edit…') ]) ]) : ''
		];
	},

	handleSaveApply: null,
	handleSave: null,
	handleReset: null
});
