// SPDX-License-Identifier: LGPL-2.1-only
'use strict';
'require view';
'require poll';
'require containers.rpc as backend';
'require containers.model as model';
'require containers.format as format';
'require containers.widgets as widgets';

/* A row keeps its elements for as long as the container is there; only what has changed is written. */
function makeRow(name, writable) {
	const td = (title, ...children) => E('td', { 'class': 'td', 'data-title': title }, [ ...children ]);
	const state = E('div'), notes = E('div'), image = E('div', { 'style': 'overflow-wrap:anywhere;min-width:10em' }), network = E('div'), autostart = E('span'), uptime = E('div');
	const cpu = widgets.bar(_('CPU of %s').format(name)), memory = widgets.bar(_('Memory of %s').format(name));
	const buttons = {};
	let current = null;

	const button = (action, text, tone) => {
		buttons[action] = E('button', { 'class': `btn cbi-button ${tone}`, 'disabled': writable ? null : '', 'click': () => widgets.act(action, current).then(() => poll.start()),
			'aria-label': _('%s: %s').format(text, name) }, [ text ]);

		return buttons[action];
	};
	const page = L.url('admin/services/containers/container', encodeURIComponent(name));

	const row = {
		element: E('tr', { 'class': 'tr', 'data-name': name }, [
			td(_('Name'), E('a', { 'href': page }, [ E('strong', [ name ]) ]), image),
			td(_('State'), state, uptime, notes),
			td(_('Autostart'), autostart),
			td(_('Network'), network),
			td(_('CPU'), cpu.element),
			td(_('Memory'), memory.element),
			E('td', { 'class': 'td cbi-section-actions' }, [ E('div', { 'style': 'flex-wrap:wrap;gap:2px 0' }, [
				button('start', _('Start'), 'cbi-button-positive'), ' ',
				button('stop', _('Stop'), 'cbi-button-negative'), ' ',
				button('restart', _('Restart'), 'cbi-button-action'), ' ',
				E('a', { 'class': 'btn cbi-button', 'style': 'text-align:center', 'href': `${page}#logs`, 'aria-label': _('%s: %s').format(_('Logs'), name) }, [ _('Logs') ])
			]) ])
		]),
		set: {
			state: widgets.cell(state, s => widgets.badge(s.text, s.tone)),
			notes: widgets.cell(notes, list => list.map(n => E('div', { 'style': 'overflow-wrap:anywhere' }, [ n.text ]))),
			autostart: widgets.cell(autostart, yes => yes === undefined ? '–' : yes ? _('yes') : _('no')),
			image: widgets.cell(image, v => [ E('small', [ v.image ]), v.layer ? E('div', [ E('small', [ v.layer ]) ]) : null ]),
			network: widgets.cell(network, v => [
				...(v.addresses.length ? v.addresses.map(a => E('div', [ a ])) : [ E('div', [ v.network || '–' ]) ]),
				...v.ports.map(p => E('div', [ p.text, ...(p.note ? [ ' ', widgets.badge(p.note, 'warning') ] : []) ]))
			]),
			uptime: widgets.cell(uptime, v => v ? [ E('small', [ v ]) ] : '')
		},
		update(c, figures, rates, all) {
			const runs = model.runs(c), busy = !!(c.job && c.job.running);

			current = c;
			row.set.state(model.state(c));
			row.set.notes(model.notes(c));
			row.set.autostart(c.enabled);
			row.set.image({ image: model.image(c), layer: model.layer(c) });
			row.set.network({ addresses: model.addresses(c), network: c.network, ports: model.ports(c) });
			row.set.uptime(runs && typeof c.age == 'number' ? _('for %s').format(format.duration(c.age)) : '');
			cpu.update(rates ? model.share(rates.cpu, figures.cpu_limit, 100) : 0, runs && rates ? format.percent(rates.cpu) : '–');
			memory.update(model.share(figures.memory, figures.memory_limit, all), !runs || figures.memory === undefined ? '–'
				: figures.memory_limit ? _('%s of %s').format(format.bytes(figures.memory), format.bytes(figures.memory_limit)) : format.bytes(figures.memory));

			if (writable) {
				buttons.start.disabled = busy || runs || !c.defined;
				buttons.stop.disabled = busy || !runs;
				buttons.restart.disabled = busy || !runs || !c.defined;
			}
		}
	};

	return row;
}

return view.extend({
	load() {
		return Promise.all([
			backend.list(),
			L.resolveDefault(backend.stats(), {}),
			L.resolveDefault(backend.host(), {})
		]);
	},

	/* refresh writes what is new into the page. */
	refresh(list, stats) {
		const page = this.page, names = list.containers.map(c => c.name);

		page.problems(list.problems || []);
		page.empty.hidden = names.length > 0 || (list.problems || []).length > 0;
		page.table.hidden = names.length == 0;

		for (const name of [ ...page.rows.keys() ]) {
			if (!names.includes(name)) {
				page.rows.get(name).element.remove();
				page.rows.delete(name);
			}
		}

		let after = page.head;

		for (const c of list.containers) {
			let row = page.rows.get(c.name);

			if (!row)
				page.rows.set(c.name, row = makeRow(c.name, page.writable));
			if (after.nextElementSibling !== row.element)
				after.after(row.element);

			after = row.element;
			row.update(c, model.figures(stats, c.name), model.rates(this.before, stats, c.name), list.memory);
		}

		const t = model.totals(list.containers, stats);

		page.totals(names.length ? [
			_('%d of %d running').format(t.running, t.all),
			t.failed ? _('%d failed').format(t.failed) : '',
			_('memory %s').format(format.bytes(t.memory)),
			_('%d processes').format(t.pids)
		].filter(text => text).join(', ') : '');

		if (stats.uptime)
			this.before = stats;
	},

	render([ list, stats, host ]) {
		const writable = L.hasViewPermission() === true;
		const problems = E('div'), totals = E('p', { 'aria-live': 'off' });
		const configuration = L.url('admin/services/containers/config');
		const add = () => writable ? E('a', { 'class': 'btn cbi-button cbi-button-add', 'href': `${configuration}#add` }, [ _('Add container…') ]) : '';
		const head = E('tr', { 'class': 'tr table-titles' }, [ _('Name'), _('State'), _('Autostart'), _('Network'), _('CPU'), _('Memory'), '' ]
			.map(title => E('th', { 'class': 'th' }, [ title ])));

		this.page = {
			writable, head,
			rows: new Map(),
			table: E('table', { 'class': 'table', 'aria-label': _('Containers') }, [ head ]),
			empty: E('div', { 'class': 'cbi-section' }, [
				E('h3', [ _('No containers yet') ]),
				E('p', [ _('A container runs programs that do not come from OpenWrt, with limits, and apart from the router. It needs a directory or an image with its files, and the command to run.') ]),
				E('p', [ add() ])
			]),
			problems: widgets.cell(problems, texts => texts.length ? E('div', { 'class': 'alert-message warning', 'role': 'alert' }, [
				E('h4', [ _('The configuration has faults; nothing of it is started until they are gone') ]),
				E('ul', texts.map(text => E('li', { 'style': 'overflow-wrap:anywhere' }, [ text ])))
			]) : null),
			totals: widgets.cell(totals, text => text)
		};

		this.refresh(list, stats);

		poll.add(() => Promise.all([ backend.list(), L.resolveDefault(backend.stats(), {}) ]).then(([ l, s ]) => this.refresh(l, s)), 3);

		return E('div', [
			E('h2', [ _('Containers') ]),
			problems,
			this.renderFit(host),
			totals,
			this.page.table,
			this.page.empty,
			E('p', [ list.containers.length ? add() : '' ])
		]);
	},

	/* renderFit says what this machine lacks for the containers that are configured. */
	renderFit(host) {
		const texts = [];

		for (const name in host.containers || {})
			for (const text of host.containers[name])
				texts.push(text);

		if (host.storage && host.storage.refused)
			texts.push(_('%s cannot hold writable layers: it is on %s').format(host.storage.path, host.storage.refused));
		if (host.available && host.available < 16 * 1024 * 1024)
			texts.push(_('Only %s of memory are left').format(format.bytes(host.available)));

		const line = host.storage ? _('Free: %s of memory, %s in %s').format(format.bytes(host.available), format.bytes(host.storage.free), host.storage.path) : '';

		return E('div', [
			texts.length ? E('div', { 'class': 'alert-message notice' }, [
				E('h4', [ _('This router lacks something') ]),
				E('ul', texts.map(text => E('li', { 'style': 'overflow-wrap:anywhere' }, [ text ])))
			]) : '',
			line ? E('p', [ E('small', [ line ]) ]) : ''
		]);
	},

	handleSaveApply: null,
	handleSave: null,
	handleReset: null
});
