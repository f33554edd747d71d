// SPDX-License-Identifier: LGPL-2.1-only
'use strict';
'require baseclass';
'require containers.model as model';

/*
 * Containers in UCI, with the sections that belong to them. Nothing is saved here. uci is LuCI's, or one of its manner.
 */

const config = 'container';

return baseclass.extend({
	/* partsOf: the sections that belong to the container of a section. */
	partsOf(uci, sid) {
		const section = uci.get(config, sid) || {};

		return model.parts.flatMap(type => uci.sections(config, type).filter(part => model.belongs(part, section)));
	},

	/* users: the names of other containers that name this one: they wait for it, or use its network. */
	users(uci, sid) {
		const section = uci.get(config, sid) || {}, names = [ model.nameOf(section), section['.name'] ];

		return uci.sections(config, 'container').filter(other => other['.name'] != sid &&
			([].concat(other.depends || []).some(name => names.includes(name)) || names.includes(String(other.network || '').replace(/^container:/, ''))
				&& String(other.network).startsWith('container:'))).map(other => model.nameOf(other));
	},

	/* remove takes the container away, and what belongs to it. */
	remove(uci, sid) {
		for (const part of this.partsOf(uci, sid))
			uci.remove(config, part['.name']);

		uci.remove(config, sid);
	},

	/* free: a name that no section and no container has. */
	free(uci, name) {
		const taken = uci.sections(config).flatMap(s => [ s['.name'], s.name ]);

		for (let i = 2; ; i++)
			if (!taken.includes(`${name}_${i}`))
				return `${name}_${i}`;
	},

	/*
	 * duplicate makes the container once more, with what belongs to it, and returns the new section. What two cannot share is not copied: fixed addresses, the MAC
	 * address, published ports. The copy is not started on boot.
	 */
	duplicate(uci, sid) {
		const from = uci.get(config, sid), base = model.nameOf(from).replace(/[^A-Za-z0-9_]/g, '_');
		const to = uci.add(config, 'container', this.free(uci, base.substring(0, 50)));
		const copy = (source, target, without) => {
			for (const key in source)
				if (key[0] != '.' && !without.includes(key))
					uci.set(config, target, key, Array.isArray(source[key]) ? source[key].slice() : source[key]);
		};

		copy(from, to, [ 'name', 'overlay_dir', 'enabled' ]);
		uci.set(config, to, 'enabled', '0');

		for (const part of this.partsOf(uci, sid)) {
			if (part['.type'] == 'port')
				continue;

			const own = uci.add(config, part['.type']);
			const fixed = part['.type'] == 'network' ? [ 'ipaddr', 'ip6addr', 'netmask', 'gateway', 'ip6gw', 'proto', 'macaddr' ] : [];

			copy(part, own, [ 'container', ...fixed ]);
			uci.set(config, own, 'container', to);
		}

		return to;
	}
});
