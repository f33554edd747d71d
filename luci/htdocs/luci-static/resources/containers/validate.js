// SPDX-License-Identifier: LGPL-2.1-only
'use strict';
'require baseclass';
'require containers.options as options';

/*
 * Whether a value is one of a kind of option, as uci2oci check says it, in the same words: a test compares the two. Pure.
 */

const signals = [ 'HUP', 'INT', 'QUIT', 'ILL', 'TRAP', 'ABRT', 'BUS', 'FPE', 'KILL', 'USR1', 'SEGV', 'USR2', 'PIPE', 'ALRM', 'TERM', 'STKFLT', 'CHLD', 'CONT', 'STOP',
	'TSTP', 'TTIN', 'TTOU', 'URG', 'XCPU', 'XFSZ', 'VTALRM', 'PROF', 'WINCH', 'IO', 'PWR', 'SYS' ];
const limits = [ 'as', 'core', 'cpu', 'data', 'fsize', 'locks', 'memlock', 'msgqueue', 'nice', 'nofile', 'nproc', 'rss', 'rtprio', 'rttime', 'sigpending', 'stack' ];

const bytes = v => new TextEncoder().encode(v).length;
const digits = v => /^[0-9]+$/.test(v);
const plain = v => /^(0|-?[1-9][0-9]*)$/.test(v);
const validID = v => /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/.test(v);

function path(v) {
	if (v[0] != '/')
		return _('must be an absolute path');
	if (bytes(v) > 4095)
		return _('is longer than a path can be');
	if (v.includes('\n'))
		return _('has a new line in it');

	for (const part of v.split('/')) {
		if (part == '..')
			return _('must not contain ..');
		if (bytes(part) > 255)
			return _('has a name that is longer than 255 bytes');
	}

	return '';
}

/* size: a number of bytes, as a BigInt, or null. */
function size(v) {
	const m = /^([0-9]+)([KkMmGg]?)$/.exec(v);

	if (!m)
		return null;

	const n = BigInt(m[1]) << BigInt({ '': 0, k: 10, m: 20, g: 30 }[m[2].toLowerCase()]);

	return n < (1n << 63n) ? n : null;
}

function upTo(v, most) {
	return plain(v) && Number(v) >= 0 && Number(v) <= most;
}

function port(v) {
	return upTo(v, 65535) && v != '0';
}

const ip4 = v => v.split('.').length == 4 && v.split('.').every(part => upTo(part, 255));

/* netmask: ones, then zeros. */
function netmask(v) {
	return ip4(v) && /^1*0*$/.test(v.split('.').map(part => Number(part).toString(2).padStart(8, '0')).join(''));
}

/* words6 counts the groups of an IPv6 address' part; -1 if it is none. last: the end may be an IPv4 address. */
function words6(v, last) {
	if (v == '')
		return 0;

	const parts = v.split(':');
	let n = 0;

	for (let i = 0; i < parts.length; i++) {
		if (last && i == parts.length - 1 && parts[i].includes('.'))
			return ip4(parts[i]) ? n + 2 : -1;
		if (!/^[0-9A-Fa-f]{1,4}$/.test(parts[i]))
			return -1;
		n++;
	}

	return n;
}

function ip6(v) {
	const at = v.indexOf('::'), short = at >= 0;
	const head = short ? v.substring(0, at) : v, tail = short ? v.substring(at + 2) : '';

	if (tail.includes('::') || tail[0] == ':')
		return false;

	const a = words6(head, !short), b = words6(tail, short);

	return a >= 0 && b >= 0 && (short ? a + b < 8 : a == 8);
}

function mac(v) {
	return /^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$/.test(v) && !(parseInt(v, 16) & 1) && !/^[0:]+$/.test(v);
}

function access(v) {
	return /^[rwm]+$/.test(v) && new Set(v).size == v.length ? '' : _('must be letters of rwm: read, write, mknod');
}

function idmap(v) {
	const parts = v.split(':');

	if (parts.length != 3 || !parts.every(p => digits(p) && BigInt(p) < (1n << 32n)))
		return _('must be container:host:size, as 0:100000:65536');

	const [ container, host, n ] = parts.map(Number);

	if (n == 0)
		return _('maps nothing');
	if (container + n > 4294967295 || host + n > 4294967295)
		return _('goes beyond the highest id, 4294967294');

	return '';
}

function rlimit(v) {
	const at = v.indexOf('=');

	if (at < 0)
		return _('must be name=limit or name=soft:hard, as nofile=1024:4096');
	if (!limits.includes(v.substring(0, at).toLowerCase()))
		return _('there is no such limit');

	const limit = v.substring(at + 1), colon = limit.indexOf(':');
	const value = t => t == 'unlimited' ? (1n << 64n) - 1n : size(t);
	const soft = value(colon < 0 ? limit : limit.substring(0, colon)), hard = colon < 0 ? soft : value(limit.substring(colon + 1));

	if (soft === null || hard === null)
		return _('must be a number, or unlimited');

	return soft > hard ? _('the first, soft limit must not exceed the hard one') : '';
}

function device(v) {
	const [ host, ...rest ] = v.split(':');
	let inner = host, rights = 'rwm';

	if (rest.length > 2)
		return _('must be path[:path inside][:rwm]');
	if (rest.length == 2)
		[ inner, rights ] = rest;
	else if (rest.length == 1 && rest[0][0] == '/')
		inner = rest[0];
	else if (rest.length == 1)
		rights = rest[0];

	for (const p of [ host, inner ]) {
		const reason = path(p);

		if (reason)
			return reason;
		if (!p.startsWith('/dev/'))
			return _('must be a device in /dev');
	}

	return access(rights);
}

function mount(v) {
	const at = v.indexOf(':');

	if (at < 0)
		return _('must be source:target[:options], as /srv/data:/data:ro');

	const source = v.substring(0, at), target = v.substring(at + 1).split(':')[0];
	let reason;

	if (source == '')
		return _('has no source');
	if (source[0] == '/' && (reason = path(source)))
		return `source ${reason}`;
	if ((reason = path(target)))
		return `target ${reason}`;

	return '';
}

function signal(v) {
	v = v.toUpperCase().replace(/^SIG/, '');

	if (v.startsWith('RTMIN')) {
		const plus = v.substring(5);

		return plus == '' || /^\+[0-9]+$/.test(plus) && Number(plus) <= 30;
	}

	return /^-?[0-9]+$/.test(v) ? plain(v) && Number(v) >= 1 && Number(v) <= 64 : signals.includes(v);
}

function cpus(v) {
	const m = /^([0-9]{1,5})(?:\.([0-9]{1,5}))?$/.exec(v);
	const n = m ? Number(m[1] + ((m[2] || '') + '00000').substring(0, 5)) : 0;

	return n >= 1000 && n <= 4096 * 100000;
}

function cpuset(v) {
	return v.split(',').every(part => {
		const m = /^([0-9]+)(?:-([0-9]+))?$/.exec(part);

		return m && Number(m[2] || m[1]) <= 8191 && Number(m[1]) <= Number(m[2] || m[1]);
	});
}

/* known: kinds by name; each tells the reason why a value is none, or ''. */
const no = (ok, reason) => ok ? '' : reason;
const known = {
	argument: () => '',
	text: () => '',
	user: () => '',
	bool: v => no(/^(1|on|true|yes|enabled|0|off|false|no|disabled)$/.test(v), _('must be 0 or 1')),
	enum: (v, args) => no(args.includes(v), _('must be one of %s').format(args.join(', '))),
	int: (v, args) => no(plain(v) && Number(v) >= Number(args[0]) && Number(v) <= Number(args[1]), _('must be a number from %s to %s').format(args[0], args[1])),
	name: v => no(validID(v), _('must have letters, digits, _ . and - only, a letter or digit first, and at most 63 of them')),
	reference: v => no(validID(v), _('is no name of a container')),
	path,
	size: v => no(size(v) !== null, _('must be a size such as 16M (K, M and G are of 1024)')),
	memory: v => v.endsWith('%') ? no(/^0*([1-9][0-9]?|100)%$/.test(v), _('must be from 1%% to 100%%').format())
		: no(size(v) !== null && size(v) > 0n, _('must be a size such as 64M, or a part of the memory such as 25%%').format()),
	swap: v => no(v == 'unlimited' || size(v) !== null, _('must be a size such as 64M, 0, or unlimited')),
	cpus: v => no(cpus(v), _('must be a number of processors such as 0.5 or 2, at least 0.01')),
	cpuset: v => no(cpuset(v), _('must be a list of processors such as 0-1,3')),
	octal: v => no(/^[0-7]{1,8}$/.test(v) && parseInt(v, 8) <= 0o777, _('must be an octal number from 0 to 0777')),
	hostname: v => no(/^[A-Za-z0-9._-]{1,64}$/.test(v), _('must be a host name of at most 64 letters, digits, - and .')),
	word: v => no(!/[\x00-\x20\x7f]/.test(v), _('must be one word')), // eslint-disable-line no-control-regex
	capability: v => no(v == 'ALL' || options.capabilities.includes(v.toUpperCase().replace(/^CAP_/, '')), _('is no capability')),
	seccomp: v => no(v == 'default' || v == 'unconfined' || v[0] == '/' && path(v) == '', _('must be default, unconfined, or the path of a profile')),
	signal: v => no(signal(v), _('is no signal (TERM, INT, RTMIN+3 or a number)')),
	env: v => no(v.indexOf('=') > 0, _('must be name=value')),
	annotation: v => no(/^[^=]+=[^]/.test(v), _('must be name=value')),
	sysctl: v => no(/^[\x21-\x3c\x3e-\x7e]+=[^]/.test(v), _('must be name=value, as net.ipv4.ip_forward=1')),
	idmap,
	rlimit,
	device,
	mount,
	tmpfs: v => path(v.split(':')[0]),
	access,
	network: v => no([ 'none', 'host', 'bridge', 'routed', 'netifd' ].includes(v) || v.startsWith('container:') && validID(v.substring(10)),
		_('must be none, host, bridge, routed, netifd or container:NAME')),
	ifname: v => no(bytes(v) <= 15 && v != '.' && v != '..' && /^[\x21-\x2e\x30-\x39\x3b-\x7e]+$/.test(v), _('must be the name of an interface, at most 15 letters')),
	mac: v => no(mac(v), _('must be a MAC address such as 02:00:00:00:00:01, of one device')),
	ip4: v => no(ip4(v), _('must be an IPv4 address')),
	netmask: v => no(netmask(v), _('must be a netmask such as 255.255.255.0')),
	ip6: v => no(ip6(v), _('must be an IPv6 address')),
	ip: v => no(ip4(v) || ip6(v), _('must be an IP address')),
	ip4prefix(v) {
		const [ ip, ...bits ] = v.split('/');

		return no(ip4(ip) && (bits.length == 0 || bits.length == 1 && upTo(bits[0], 32)), _('must be an IPv4 address such as 192.168.1.20/24'));
	},
	ip6prefix(v) {
		const [ ip, ...bits ] = v.split('/');

		return no(ip6(ip) && bits.length == 1 && upTo(bits[0], 128), _('must be an IPv6 address such as fd00::2/64'));
	},
	portrange(v) {
		const parts = v.split('-');

		return no(parts.length <= 2 && parts.every(port) && Number(parts[0]) <= Number(parts[parts.length - 1]), _('must be a port such as 80, or ports such as 8000-8010'));
	},
	hostport(v) {
		const [ proto, ...rest ] = v.split('/');

		return no((proto == 'tcp' || proto == 'udp') && rest.length == 1 && port(rest[0]), _('must be tcp/PORT or udp/PORT'));
	}
};

return baseclass.extend({
	/* kinds: their names, without arguments. */
	kinds: Object.keys(known),

	/* check: the reason why a text is no value of the kind, or ''. */
	check(kind, v) {
		const at = kind.indexOf(':'), name = at < 0 ? kind : kind.substring(0, at);

		if (v === '' && name != 'argument' && name != 'text')
			return _('is empty');
		if (bytes(v) > 128 << 10)
			return _('is longer than 128 KiB');

		return known[name](v, at < 0 ? [] : kind.substring(at + 1).split(','));
	}
});
