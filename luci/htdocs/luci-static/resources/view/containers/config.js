// SPDX-License-Identifier: LGPL-2.1-only
'use strict';
'require view';
'require form';
'require uci';
'require ui';
'require containers.model as model';
'require containers.options as options';
'require containers.forms as forms';
'require containers.sections as sections';
'require containers.widgets as widgets';

const kept = 'container';

/* named: the options of another container's name, offered as choices. */
function offerNames(opt, sid, prefix) {
	for (const other of uci.sections(kept, 'container'))
		if (other['.name'] != sid)
			opt.value(prefix + model.nameOf(other));
}

/* A column of the table of containers: text, made anew each time. */
function column(s, name, title, text) {
	const o = s.option(form.DummyValue, `_${name}`, title);

	o.modalonly = false;
	o.textvalue = sid => E('span', { 'style': 'overflow-wrap:anywhere' }, [ text(uci.get(kept, sid) || {}) ]);
}

return view.extend({
	load() {
		return L.hasViewPermission() === true ? uci.load(kept).catch(() => null) : null;
	},

	render() {
		if (L.hasViewPermission() !== true)
			return E('div', [
				E('h2', [ _('Configuration') ]),
				E('p', [ _('This account may not see the configuration as a whole, since secrets can be in it. The page of each container shows its options without these.') ])
			]);

		const m = new form.Map(kept, _('Configuration'), _('Containers as they are to be. With “Save & Apply” those that have changed are started anew; all others go on.'));

		this.containers(m);
		this.general(m);

		return m.render().then(node => {
			window.setTimeout(() => this.opened(m, node), 0);

			return node;
		});
	},

	/* opened follows a link of another page: #add, or #edit=NAME. */
	opened(m, node) {
		const [ what, name ] = location.hash.substring(1).split('=');

		if (what == 'edit') {
			const section = uci.sections(kept, 'container').find(s => model.nameOf(s) == decodeURIComponent(name || ''));
			const button = section && node.querySelector(`tr[data-sid="${CSS.escape(section['.name'])}"] .cbi-button-edit`);

			if (button)
				button.click();
		} else if (what == 'add') {
			const input = node.querySelector('.cbi-section-create-name');

			if (input)
				input.focus();
		}
	},

	containers(m) {
		const s = m.section(form.GridSection, 'container', _('Containers'));

		s.addremove = true;
		s.anonymous = false;
		s.sortable = false;
		s.nodescriptions = true;
		s.addbtntitle = _('Add container');
		s.modaltitle = sid => [ _('Container %s').format(model.nameOf(uci.get(kept, sid) || { '.name': sid })) ];

		column(s, 'name', _('Name inside'), c => model.nameOf(c));
		column(s, 'enabled', _('Autostart'), c => /^(0|off|false|no|disabled)$/.test(c.enabled || '') ? _('no') : _('yes'));
		column(s, 'root', _('Image'), c => c.bundle || c.rootfs || '–');
		column(s, 'network', _('Network'), c => c.network || '–');

		for (const [ tab, title ] of forms.tabs)
			s.tab(tab, title);

		for (const [ tab, , list ] of forms.tabs)
			for (const [ name, title ] of list)
				this.option(s, tab, name, title);

		s.addModalOptions = (modal, sid) => this.parts(modal, sid);

		const handleRemove = s.handleRemove;

		/* What belongs to the container goes with it, and the dialog says what happens to its data. */
		s.handleRemove = (sid, ev) => {
			const c = uci.get(kept, sid) || {}, name = model.nameOf(c), parts = sections.partsOf(uci, sid), users = sections.users(uci, sid);

			return widgets.ask(_('Delete %s?').format(name), [
				parts.length ? _('%d sections that belong to it are deleted with it: interfaces, ports, mounts, devices, hooks.').format(parts.length) : '',
				users.length ? _('Other containers name it, and will not start without it: %s').format(users.join(', ')) : '',
				_('With “Save & Apply” it is stopped.'),
				c.overlay == 'disk' ? _('Its layer on disk stays, and so do its root and its mounted directories: delete them by hand if they are not needed any more.')
					: _('Its root and its mounted directories stay as they are.')
			].filter(t => t), _('Delete'), 'cbi-button-negative important').then(yes => {
				if (!yes)
					return;

				for (const part of parts)
					uci.remove(kept, part['.name']);

				return handleRemove.call(s, sid, ev);
			});
		};

		const renderRowActions = s.renderRowActions;

		s.renderRowActions = sid => {
			const td = renderRowActions.call(s, sid);
			const remove = td.querySelector('.cbi-button-remove');
			const button = E('button', { 'class': 'btn cbi-button', 'title': _('Make a second one of this'), 'click': ui.createHandlerFn(this, () => {
				sections.duplicate(uci, sid);

				return m.save(null, true);
			}) }, [ _('Duplicate') ]);

			if (remove)
				remove.before(button);

			return td;
		};
	},

	/* option adds one of a container's options. */
	option(s, tab, name, title) {
		const o = options.sections.container[name];

		if (name == 'env') {
			this.environment(s, tab, title, o);

			return;
		}

		const opt = s.taboption(tab, form[forms.widget(o)], name, title, forms.description(o));

		forms.setUp(opt, 'container', name);

		if (name == 'name') {
			const check = opt.validate;

			opt.placeholder = null;
			opt.validate = (sid, value) => value && uci.sections(kept, 'container').some(c => c['.name'] != sid && model.nameOf(c) == value)
				? _('Another container has this name.') : check(sid, value);
		} else if (name == 'rootfs' || name == 'command') {
			const check = opt.validate;

			opt.validate = function(sid, value) {
				const bundle = this.section.formvalue(sid, 'bundle');

				if (name == 'rootfs' && value && bundle)
					return _('is of no use with bundle, which has its own');

				/* A list is validated entry by entry, and so is the empty field for the next one. */
				const given = value || (name == 'command' && [].concat(this.formvalue(sid) || []).length > 0);

				return !given && !bundle ? _('is required (or bundle)') : check(sid, value);
			};
			opt.rmempty = name == 'rootfs';
			opt.optional = true;
		} else if (name == 'network') {
			for (const kind of [ 'none', 'bridge', 'routed', 'netifd', 'host' ])
				opt.value(kind);

			opt.load = function(sid) {
				offerNames(this, sid, 'container:');

				return uci.get(kept, sid, name);
			};
			opt.optional = true;
		} else if (name == 'depends') {
			opt.load = function(sid) {
				offerNames(this, sid, '');

				return uci.get(kept, sid, name);
			};
		} else if (name == 'seccomp') {
			opt.value('default');
			opt.value('unconfined');
		}
	},

	/* environment keeps values out of sight until they are asked for. */
	environment(s, tab, title, o) {
		const names = s.taboption(tab, form.DummyValue, '_env_names', title);

		names.modalonly = true;
		names.rawhtml = false;
		names.cfgvalue = sid => [].concat(uci.get(kept, sid, 'env') || []).map(v => v.split('=')[0]).join(', ') || _('none');
		names.depends('_env_show', '0');

		const show = s.taboption(tab, form.Flag, '_env_show', _('Show and change values'), _('They may be secret: whoever looks on sees them.'));

		show.modalonly = true;
		show.default = '0';
		show.cfgvalue = () => '0';
		show.write = show.remove = () => null;

		const env = s.taboption(tab, form.DynamicList, 'env', title, forms.description(o));

		forms.setUp(env, 'container', 'env');
		env.depends('_env_show', '1');
		env.retain = true;
	},

	/* parts adds, to the form of one container, the sections that belong to it. */
	parts(modal, sid) {
		const container = uci.get(kept, sid) || { '.name': sid };

		for (const [ type, tab, title, add, list ] of forms.parts) {
			const holder = modal.taboption(tab, form.SectionValue, `_${type}`, form.GridSection, type, title);
			const s = holder.subsection;

			s.addremove = true;
			s.anonymous = true;
			s.nodescriptions = true;
			s.addbtntitle = add;
			s.modaltitle = title;
			s.filter = id => model.belongs(uci.get(kept, id) || {}, container);
			s.handleAdd = function() {
				const id = this.map.data.add(kept, type);

				uci.set(kept, id, 'container', model.nameOf(container));
				this.addedSection = id;

				return this.renderMoreOptionsModal(id);
			};

			for (const [ name, text, isColumn ] of list) {
				const o = options.sections[type][name];
				const opt = s.option(form[forms.widget(o)], name, text, forms.description(o));

				forms.setUp(opt, type, name);
				opt.modalonly = isColumn ? null : true;

				if (type == 'port' && name == 'src')
					this.wanWarning(opt);
			}
		}
	},

	/* wanWarning says at the field what wan means. */
	wanWarning(opt) {
		opt.value('lan');
		opt.value('wan', _('wan: the internet'));
		opt.description = _('Firewall zone that may use it. Nothing is open that is not written here. Whatever is published for wan can be reached by everybody on the internet.');
	},

	general(m) {
		const s = m.section(form.TypedSection, 'globals', _('Where things are'));

		s.anonymous = true;
		s.addremove = uci.sections(kept, 'globals').length == 0;

		for (const [ name, title ] of forms.globals) {
			const opt = s.option(form.Value, name, title, forms.description(options.sections.globals[name]));

			forms.setUp(opt, 'globals', name);
			opt.modalonly = null;
		}
	}
});
