// SPDX-License-Identifier: LGPL-2.1-only
'use strict';
'require baseclass';

/*
 * A line chart of the last minute, as SVG. Colours are the text's own (currentColor), so that it looks right on every theme; lines
 * differ by their dashes. Only numbers ever get into an attribute.
 */

const ns = 'http://www.w3.org/2000/svg';
const width = 600, height = 160;

function node(name, attributes) {
	const n = document.createElementNS(ns, name);

	for (const key in attributes)
		n.setAttribute(key, String(attributes[key]));

	return n;
}

return baseclass.extend({
	width, height,

	/* push: adds a point {time, ...values}, and forgets what is older than the span. Times are in milliseconds. */
	push(points, point, span) {
		points.push(point);

		while (points.length && points[0].time < point.time - span)
			points.shift();

		return points;
	},

	/* ceiling: a round number that is not below the largest value; round in units of base, 1000 or 1024. */
	ceiling(values, least, base) {
		let most = least;

		for (const v of values)
			if (typeof v == 'number' && v > most)
				most = v;

		if (!(most > 0))
			return 1;

		const unit = Math.pow(base, Math.floor(Math.log(most) / Math.log(base) + 1e-9));
		const power = Math.pow(10, Math.floor(Math.log10(most / unit) + 1e-9)) * unit;

		for (const step of [ 1, 2, 5 ])
			if (most <= step * power * (1 + 1e-9))
				return step * power;

		return Math.min(10 * power, base * unit);
	},

	/* path: the values of a key as an SVG path; a gap where there is none. */
	path(points, key, span, top) {
		let d = '', pen = false;
		const now = points.length ? points[points.length - 1].time : 0;

		for (const p of points) {
			if (typeof p[key] != 'number' || !isFinite(p[key])) {
				pen = false;
				continue;
			}

			const x = width - (now - p.time) * width / span;
			const y = height - Math.min(Math.max(p[key] / top, 0), 1) * height;

			d += `${pen ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`;
			pen = true;
		}

		return d;
	},

	/*
	 * create: a chart with its caption. lines are {key, label}; the first is drawn solid, the second dashed. update(points, span, {top, limit, text})
	 * draws it anew.
	 */
	create(title, lines) {
		const svg = node('svg', { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'none', role: 'img' });

		svg.style.cssText = 'width:100%;height:10em;display:block;border:1px solid currentColor;box-sizing:border-box';

		for (const part of [ 1, 2, 3 ])
			svg.appendChild(node('line', { x1: 0, x2: width, y1: height * part / 4, y2: height * part / 4, stroke: 'currentColor', 'stroke-opacity': 0.15,
				'vector-effect': 'non-scaling-stroke' }));

		const limit = node('line', { x1: 0, x2: width, y1: -9, y2: -9, stroke: 'currentColor', 'stroke-width': 1.5, 'stroke-dasharray': '2 4',
			'stroke-opacity': 0.8, 'vector-effect': 'non-scaling-stroke' });

		svg.appendChild(limit);

		const paths = lines.map((line, i) => svg.appendChild(node('path', { fill: 'none', stroke: 'currentColor', 'stroke-width': 2, 'stroke-dasharray': i ? '6 3' : 'none',
			'vector-effect': 'non-scaling-stroke', 'data-key': line.key })));
		const value = E('span'), top = E('small'), from = E('small');
		const element = E('figure', { 'style': 'margin:0 0 1.5em 0' }, [
			E('figcaption', { 'style': 'display:flex;justify-content:space-between;flex-wrap:wrap' }, [ E('strong', [ title ]), value ]),
			svg,
			E('div', { 'style': 'display:flex;justify-content:space-between' }, [ from, top ])
		]);

		svg.setAttribute('aria-label', title);

		return {
			element,
			update: (points, span, show) => {
				lines.forEach((line, i) => paths[i].setAttribute('d', this.path(points, line.key, span, show.top)));

				const y = show.limit > 0 && show.limit <= show.top ? height - show.limit / show.top * height : -9;

				limit.setAttribute('y1', y.toFixed(1));
				limit.setAttribute('y2', y.toFixed(1));
				svg.setAttribute('aria-label', `${title}: ${show.text}`);
				value.textContent = show.text;
				top.textContent = show.topText;
				from.textContent = show.from;
			}
		};
	}
});
