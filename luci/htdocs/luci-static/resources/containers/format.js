// SPDX-License-Identifier: LGPL-2.1-only
'use strict';
'require baseclass';

/*
 * Numbers as people read them. Pure: nothing here knows a page.
 */

const units = [ 'B', 'KiB', 'MiB', 'GiB', 'TiB' ];

return baseclass.extend({
	/* bytes: a number of bytes, with three digits. */
	bytes(n) {
		if (typeof n != 'number' || !isFinite(n) || n < 0)
			return '–';

		let i = 0;

		for (; n >= 1000 && i < units.length - 1; i++)
			n /= 1024;

		return `${i == 0 || n >= 100 ? Math.round(n) : n.toFixed(n >= 10 ? 1 : 2)} ${units[i]}`;
	},

	/* rate: bytes in a second. */
	rate(n) {
		return (typeof n == 'number' && isFinite(n)) ? _('%s/s').format(this.bytes(n)) : '–';
	},

	percent(n) {
		if (typeof n != 'number' || !isFinite(n) || n < 0)
			return '–';

		return `${n > 0 && n < 10 ? n.toFixed(1) : Math.round(n)} %`;
	},

	/* duration: milliseconds in the two largest units. */
	duration(ms) {
		if (typeof ms != 'number' || !isFinite(ms) || ms < 0)
			return '–';

		const s = Math.floor(ms / 1000);
		const two = n => String(n).padStart(2, '0');

		if (s < 60)
			return _('%d s').format(s);
		if (s < 3600)
			return _('%d min').format(Math.floor(s / 60));
		if (s < 86400)
			return _('%d h %s min').format(Math.floor(s / 3600), two(Math.floor(s / 60) % 60));

		return _('%d d %s h').format(Math.floor(s / 86400), two(Math.floor(s / 3600) % 24));
	}
});
