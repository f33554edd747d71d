// SPDX-License-Identifier: LGPL-2.1-only
'use strict';
'require baseclass';
'require ui';
'require containers.rpc as backend';
'require containers.model as model';

/*
 * Parts of pages. Texts are children in arrays, never strings that LuCI would take for HTML.
 */

return baseclass.extend({
	/* badge: a state, in words; the colour only repeats them. */
	badge(text, tone) {
		return E('span', { 'class': `label ${tone || ''}`.trim(), 'style': 'white-space:normal' }, [ text ]);
	},

	/* bar: a bar of LuCI's that update(percent, text) changes in place. */
	bar(label) {
		const inner = E('div', { 'style': 'width:0%' });
		const element = E('div', { 'class': 'cbi-progressbar', 'role': 'progressbar', 'aria-label': label, 'aria-valuemin': '0', 'aria-valuemax': '100', 'title': '–',
			'style': 'min-width:10em' }, [ inner ]);

		return {
			element,
			update(percent, text) {
				inner.style.width = `${Math.min(100, Math.max(0, percent || 0)).toFixed(1)}%`;

				if (element.getAttribute('title') !== text) {
					element.setAttribute('title', text);
					element.setAttribute('aria-valuetext', text);
				}

				element.setAttribute('aria-valuenow', String(Math.round(percent || 0)));
			}
		};
	},

	/* cell: a place whose content is made anew only when its value has changed, so that nothing under the pointer moves. */
	cell(element, render) {
		let last = null;

		return value => {
			const text = JSON.stringify(value) || '';

			if (text === last)
				return;

			last = text;
			element.replaceChildren(...[].concat(render(value)).filter(n => n !== null && n !== '').map(n =>
				typeof n == 'object' ? n : document.createTextNode(n)));
		};
	},

	/* complain: an error that stays until it is dismissed. */
	complain(title, error) {
		ui.addNotification([ title ], E('p', { 'style': 'white-space:pre-wrap' }, [ error.message || String(error) ]), 'danger');
	},

	/* ask: a question in a dialog; the promise tells whether the answer is yes. Escape is no. */
	ask(title, texts, yes, tone) {
		return new Promise(resolve => {
			const before = document.activeElement;
			const end = answer => {
				document.removeEventListener('keydown', escape, true);
				ui.hideModal();

				if (before && before.focus)
					before.focus();

				resolve(answer);
			};
			const escape = ev => {
				if (ev.key == 'Escape')
					end(false);
			};
			const cancel = E('button', { 'class': 'btn cbi-button', 'click': () => end(false) }, [ _('Cancel') ]);

			document.addEventListener('keydown', escape, true);
			ui.showModal([ title ], [
				...texts.map(text => E('p', [ text ])),
				E('div', { 'class': 'right button-row' }, [ cancel, ' ', E('button', { 'class': `btn cbi-button ${tone || 'cbi-button-action important'}`, 'click': () => end(true) }, [ yes ]) ])
			]);
			cancel.focus();
		});
	},

	/* act: start, stop or restart a container, after the question that belongs to it. The promise tells whether it was begun. */
	act(action, c) {
		let asked = Promise.resolve(true);

		switch (action) {
		case 'stop':
			asked = this.ask(_('Stop %s?').format(c.name), [
				_('Its processes are asked to end, and killed if they do not.'), model.dataNote(c),
				c.enabled ? _('It starts again when the router does.') : ''
			].filter(t => t), _('Stop'), 'cbi-button-negative important');
			break;
		case 'restart':
			asked = this.ask(_('Restart %s?').format(c.name), [
				_('It is stopped and started anew, with its configuration as it is saved now.'), model.dataNote(c)
			], _('Restart'));
			break;
		}

		return asked.then(yes => yes ? backend[action](c.name).then(() => true) : false).catch(error => {
			this.complain(_('%s was not changed').format(c.name), error);

			return false;
		});
	}
});
