// SPDX-License-Identifier: LGPL-2.1-only
'use strict';
'require baseclass';
'require containers.options as options';
'require containers.validate as validate';

/*
 * Where each option stands in the forms, under which title, and which widget it gets. The options themselves are those of options.js.
 */

return baseclass.extend({
	/* tabs: of a container's form, with the options of each, in their order. */
	tabs: [
		[ 'general', _('General'), [
			[ 'name', _('Name') ], [ 'enabled', _('Autostart') ], [ 'rootfs', _('Root') ], [ 'bundle', _('OCI bundle') ], [ 'command', _('Command') ], [ 'profile', _('Profile') ],
			[ 'user', _('User') ], [ 'group', _('Group') ], [ 'additional_gid', _('Further groups') ], [ 'cwd', _('Directory') ], [ 'umask', _('umask') ],
			[ 'hostname', _('Host name') ], [ 'terminal', _('Terminal') ], [ 'log', _('Log') ], [ 'restart', _('Restart') ],
			[ 'restart_delay', _('Restart delay') ], [ 'restart_retries', _('Restarts at most') ], [ 'restart_window', _('Restart window') ], [ 'stop_signal', _('Stop signal') ],
			[ 'stop_timeout', _('Stop timeout') ], [ 'require_mount', _('Wait for storage') ], [ 'depends', _('Start after') ], [ 'annotation', _('Annotations') ]
		] ],
		[ 'network', _('Network'), [ [ 'network', _('Network') ] ] ],
		[ 'mounts', _('Mounts'), [
			[ 'readonly', _('Read-only root') ], [ 'overlay', _('Writable layer') ], [ 'overlay_size', _('Layer size') ], [ 'overlay_dir', _('Layer directory') ],
			[ 'mount', _('Mounts') ], [ 'tmpfs', _('Memory file systems') ], [ 'device', _('Devices') ], [ 'masked_path', _('Hidden paths') ], [ 'readonly_path', _('Read-only paths') ]
		] ],
		[ 'environment', _('Environment'), [ [ 'env', _('Variables') ], [ 'env_file', _('Files with variables') ] ] ],
		[ 'limits', _('Limits'), [
			[ 'memory', _('Memory') ], [ 'memory_reservation', _('Memory reservation') ], [ 'swap', _('Swap') ], [ 'cpus', _('Processors') ], [ 'cpu_weight', _('CPU weight') ],
			[ 'cpuset', _('CPU set') ], [ 'pids', _('Processes') ], [ 'io_weight', _('Storage weight') ], [ 'oom_score_adj', _('OOM score') ], [ 'rlimit', _('Resource limits') ]
		] ],
		[ 'security', _('Security'), [
			[ 'capability', _('Capabilities') ], [ 'cap_add', _('Capabilities to add') ], [ 'cap_drop', _('Capabilities to take away') ], [ 'seccomp', _('System calls') ],
			[ 'no_new_privileges', _('No new privileges') ], [ 'mdwe', _('Memory-Deny-Write-Execute') ], [ 'userns', _('User namespace') ], [ 'idmap', _('Map files too') ], [ 'uidmap', _('User map') ], [ 'gidmap', _('Group map') ],
			[ 'sysctl', _('Kernel parameters') ], [ 'landlock_ro', _('Landlock: read') ], [ 'landlock_rx', _('Landlock: execute') ], [ 'landlock_rw', _('Landlock: write') ]
		] ]
	],

	/* parts: sections that belong to a container: type, tab, title, text of the button, options; those with true are columns. */
	parts: [
		[ 'network', 'network', _('Interfaces'), _('Add interface'), [
			[ 'interface', _('Interface'), true ], [ 'bridge', _('Bridge') ], [ 'ifname', _('Name inside'), true ], [ 'type', _('Type') ], [ 'proto', _('Protocol'), true ], [ 'ipaddr', _('IPv4 address'), true ],
			[ 'netmask', _('Netmask') ], [ 'gateway', _('IPv4 gateway') ], [ 'ip6addr', _('IPv6 address') ], [ 'ip6gw', _('IPv6 gateway') ], [ 'dns', _('DNS servers') ], [ 'metric', _('Metric') ],
			[ 'defaultroute', _('Default route') ], [ 'peerdns', _('DNS servers of DHCP') ], [ 'hostname', _('Host name for DHCP') ], [ 'macaddr', _('MAC address') ], [ 'vlan', _('VLAN') ],
			[ 'mtu', _('MTU') ], [ 'zone', _('Firewall zone') ], [ 'egress', _('May reach zones') ], [ 'host_port', _('May reach on the router') ]
		] ],
		[ 'port', 'network', _('Ports'), _('Publish port'), [
			[ 'src', _('From zone'), true ], [ 'proto', _('Protocol'), true ], [ 'src_dport', _('Port of the router'), true ], [ 'dest_port', _('Port of the container'), true ]
		] ],
		[ 'mount', 'mounts', _('Further mounts'), _('Add mount'), [
			[ 'source', _('Source'), true ], [ 'target', _('Target'), true ], [ 'type', _('Type'), true ], [ 'options', _('Options') ]
		] ],
		[ 'device', 'mounts', _('Further devices'), _('Add device'), [
			[ 'path', _('Device'), true ], [ 'target', _('Path inside'), true ], [ 'access', _('Access'), true ], [ 'uid', _('Owner') ], [ 'gid', _('Group') ], [ 'mode', _('Mode') ]
		] ],
		[ 'hook', 'security', _('Hooks'), _('Add hook'), [
			[ 'when', _('When'), true ], [ 'path', _('Program'), true ], [ 'args', _('Arguments') ], [ 'env', _('Variables') ], [ 'timeout', _('Timeout') ]
		] ]
	],

	globals: [ [ 'storage', _('Storage') ], [ 'bundle_dir', _('Bundles') ] ],

	/* required: options without which a section of the type is of no use. A container's rootfs and command are required unless it has a bundle. */
	required: {
		port: [ 'src', 'src_dport' ],
		mount: [ 'target' ],
		device: [ 'path' ],
		hook: [ 'when', 'path' ]
	},

	/* when: options that are only of use where another one has one of these values. */
	when: {
		container: {
			overlay_size: { overlay: [ 'tmpfs' ] },
			overlay_dir: { overlay: [ 'disk' ] },
			restart_delay: { restart: [ '', 'always', 'on-failure' ] },
			restart_retries: { restart: [ '', 'always', 'on-failure' ] },
			restart_window: { restart: [ '', 'always', 'on-failure' ] }
		},
		network: {
			ipaddr: { proto: [ 'static' ] },
			netmask: { proto: [ 'static' ] },
			gateway: { proto: [ 'static' ] },
			ip6addr: { proto: [ 'static' ] },
			ip6gw: { proto: [ 'static' ] }
		}
	},

	/* widget: which of LuCI's classes an option gets. */
	widget(o) {
		if (o.list)
			return 'DynamicList';
		if (o.kind.startsWith('enum:'))
			return 'ListValue';
		if (o.kind == 'bool')
			return o.profiles ? 'ListValue' : 'Flag';

		return 'Value';
	},

	/* choices: the values of a ListValue; the first is that nothing is said. */
	choices(o) {
		const none = o.profiles ? [ '', _('as the profile has it') ] : [ '', o.def ? _('%s (as usual)').format(o.def) : _('– choose –') ];

		return [ none, ...(o.kind == 'bool' ? [ [ '1', _('yes') ], [ '0', _('no') ] ] : o.kind.substring(5).split(',').map(v => [ v, v ])) ];
	},

	/* description: the option's help, and what it is in profiles. */
	description(o) {
		const text = o.help.substring(0, 1).toUpperCase() + o.help.substring(1);

		if (!o.profiles)
			return `${text}.`;

		return `${text}. ${Object.keys(o.profiles).map(p => _('Profile %s: %s').format(p, o.profiles[p] || _('nothing'))).join('; ')}.`;
	},

	/* setUp gives an option of LuCI's what the table has of it. */
	setUp(opt, section, name) {
		const o = options.sections[section][name], widget = this.widget(o);

		if (widget == 'ListValue') {
			for (const [ value, text ] of this.choices(o))
				opt.value(value, text);

			opt.optional = true;
		} else if (widget == 'Flag') {
			opt.default = o.def;
			opt.rmempty = true;
		} else {
			opt.placeholder = o.def || null;
			opt.rmempty = true;
		}

		if ((this.required[section] || []).includes(name)) {
			opt.rmempty = false;
			opt.optional = false;
		}

		if (o.list && (o.kind == 'argument' || o.kind == 'text'))
			opt.allowduplicates = true;
		if (o.kind == 'capability')
			for (const capability of options.capabilities)
				opt.value(capability);

		opt.validate = (sid, value) => {
			if (value === '' || value === null || value === undefined)
				return (this.required[section] || []).includes(name) ? _('This is required.') : true;

			return validate.check(o.kind, value) || true;
		};

		const condition = (this.when[section] || {})[name];

		for (const other in condition || {})
			for (const value of condition[other])
				opt.depends(other, value);

		opt.modalonly = true;
	}
});
