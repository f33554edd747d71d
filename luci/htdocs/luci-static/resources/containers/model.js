// SPDX-License-Identifier: LGPL-2.1-only
'use strict';
'require baseclass';

/*
 * What the answers of the router mean. Pure: data in, data and texts out.
 */

/* Section types that belong to a container, by their option container. */
const parts = [ 'network', 'port', 'mount', 'device', 'hook' ];

function number(n) {
	return typeof n == 'number' && isFinite(n);
}

return baseclass.extend({
	parts,

	/* state: how the container is, in a word, and a class of LuCI's for it. */
	state(c) {
		const job = c.job || {};

		if (job.running) {
			switch (job.action) {
			case 'start':   return { word: 'starting', text: _('starting…'), tone: 'notice' };
			case 'stop':    return { word: 'stopping', text: _('stopping…'), tone: 'notice' };
			case 'restart': return { word: 'restarting', text: _('restarting…'), tone: 'notice' };
			}
		}

		switch (c.state) {
		case 'running':  return { word: 'running', text: _('running'), tone: 'success' };
		case 'paused':   return { word: 'paused', text: _('paused'), tone: 'notice' };
		case 'creating':
		case 'created':
		case 'starting': return { word: 'starting', text: _('starting…'), tone: 'notice' };
		case 'failed':   return { word: 'failed', text: _('failed (%s)').format(this.exitText(c.exit)), tone: 'warning' };
		}

		if (job.interrupted || job.exit > 0)
			return { word: 'failed', text: _('could not be changed'), tone: 'warning' };

		return { word: 'stopped', text: _('stopped'), tone: '' };
	},

	/* exitText: an exit status, in words where it has a meaning. */
	exitText(status) {
		if (!number(status))
			return '?';

		switch (status) {
		case 126: return _('the program cannot be executed');
		case 127: return _('the program was not found');
		case 137: return _('killed, perhaps for want of memory');
		}

		return status > 128 && status <= 192 ? _('ended by signal %d').format(status - 128) : _('exit status %d').format(status);
	},

	runs(c) {
		return [ 'running', 'paused', 'creating', 'created', 'starting' ].includes(c.state);
	},

	/* notes: what is to be known of the container beside its state: {text, tone}. */
	notes(c) {
		const list = [];

		if (!c.defined && c.checked)
			list.push({ text: this.runs(c) ? _('deleted, but still running: stop it to remove it') : _('not in the configuration'), tone: 'warning' });
		if (c.changed && this.runs(c))
			list.push({ text: _('restart needed: its configuration has changed'), tone: 'warning' });
		if (c.profile == 'privileged')
			list.push({ text: _('privileged: root inside is root of the router'), tone: 'warning' });
		if (c.job && !c.job.running && (c.job.interrupted || c.job.exit > 0))
			list.push({ text: c.job.output || _('The last action was interrupted.'), tone: 'warning' });
		for (const p of c.problems || [])
			list.push({ text: p, tone: 'warning' });
		for (const p of c.lacks || [])
			list.push({ text: p, tone: 'warning' });
		if (c.last_error)
			list.push({ text: c.last_error, tone: 'warning' });

		return list;
	},

	/* image: where its files come from, and the writable layer in words. */
	image(c) {
		return c.bundle || c.rootfs || '–';
	},

	layer(c) {
		switch (c.overlay) {
		case 'tmpfs': return _('writable layer in memory');
		case 'disk':  return _('writable layer on disk');
		}

		return '';
	},

	/* dataNote: what stopping does to the container's files. */
	dataNote(c) {
		if (c.overlay == 'tmpfs')
			return _('Its writable layer is in memory: whatever it has written there is lost. Mounted directories are kept.');
		if (c.overlay == 'disk')
			return _('Its writable layer is on disk: whatever it has written is kept.');

		return _('Its files are kept.');
	},

	/* ports: a text and a tone for each published port; what the internet can reach is marked. */
	ports(c) {
		return (c.ports || []).map(p => {
			const inner = p.dest_port || p.src_dport;

			return {
				text: _('%s: %s/%s → %s').format(p.src, p.src_dport, p.proto, inner),
				wan: p.src == 'wan',
				note: p.src == 'wan' ? _('reachable from the internet') : ''
			};
		});
	},

	addresses(c) {
		return (c.interfaces || []).flatMap(i => i.addresses || []);
	},

	/*
	 * rates: what has happened to a container between two answers of stats, in a second. CPU is in percent of one processor. null where one of the
	 * two does not have the container, or the counters have begun anew.
	 */
	rates(before, after, name) {
		const a = before && before.containers && before.containers[name];
		const b = after && after.containers && after.containers[name];
		const ms = a && b ? after.uptime - before.uptime : 0;

		if (!(ms > 0))
			return null;

		const sum = (s, key) => Object.values(s.network || {}).reduce((n, i) => n + (i[key] || 0), 0);
		const per = (x, y) => number(x) && number(y) && y >= x ? (y - x) * 1000 / ms : null;
		const cpu = per(a.cpu, b.cpu);

		return {
			cpu: cpu === null ? null : cpu / 10000,
			rx: per(sum(a, 'rx'), sum(b, 'rx')),
			tx: per(sum(a, 'tx'), sum(b, 'tx'))
		};
	},

	/* figures: a container's current values of an answer of stats. */
	figures(stats, name) {
		return (stats && stats.containers && stats.containers[name]) || {};
	},

	/* totals: of all containers. */
	totals(containers, stats) {
		const t = { all: containers.length, running: 0, failed: 0, memory: 0, pids: 0 };

		for (const c of containers) {
			const f = this.figures(stats, c.name);

			t.running += c.state == 'running' ? 1 : 0;
			t.failed += this.state(c).word == 'failed' ? 1 : 0;
			t.memory += f.memory || 0;
			t.pids += f.pids || 0;
		}

		return t;
	},

	/* share: how much of a limit is used, in percent; of the machine where there is no limit. */
	share(value, limit, all) {
		const of = number(limit) && limit > 0 ? limit : all;

		return number(value) && number(of) && of > 0 ? Math.min(100, value * 100 / of) : 0;
	},

	/* nameOf: the name of the container that a section of UCI describes. */
	nameOf(section) {
		return section.name || section['.name'];
	},

	/* belongs: whether a part names the container, by its name or by that of its section. */
	belongs(part, section) {
		return part.container == this.nameOf(section) || part.container == section['.name'];
	}
});
