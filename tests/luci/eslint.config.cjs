// SPDX-License-Identifier: LGPL-2.1-only
'use strict';

/*
 * LuCI's files are neither scripts nor modules: the body of a function, with what 'require x' names and these globals.
 */

const js = require('@eslint/js');

const browser = Object.fromEntries([ 'L', 'E', '_', 'N_', 'document', 'window', 'location', 'CSS', 'URL', 'Blob', 'TextEncoder' ].map(name => [ name, 'readonly' ]));
const node = Object.fromEntries([ 'require', 'module', '__dirname', 'process', 'console', 'setImmediate' ].map(name => [ name, 'readonly' ]));
const rules = {
	'indent': [ 'error', 'tab', { SwitchCase: 0, ignoredNodes: [ 'ConditionalExpression' ] } ],
	'no-shadow': 'error',
	'no-var': 'error',
	'prefer-const': [ 'error', { destructuring: 'all' } ],
	'no-trailing-spaces': 'error',
	'quotes': [ 'error', 'single', { avoidEscape: false, allowTemplateLiterals: true } ],
	'semi': [ 'error', 'always', { omitLastInOneLineBlock: true } ],
	'no-unused-vars': [ 'error', { args: 'after-used', caughtErrors: 'all' } ]
};

module.exports = [
	js.configs.recommended,
	{
		files: [ '**/luci/htdocs/**/*.js' ],
		languageOptions: { ecmaVersion: 2022, sourceType: 'commonjs', parserOptions: { ecmaFeatures: { globalReturn: true } },
			globals: { ...browser, ...Object.fromEntries([ 'baseclass', 'view', 'form', 'uci', 'ui', 'rpc', 'poll', 'backend', 'model', 'format', 'widgets', 'chart', 'options', 'validate', 'forms', 'sections' ]
				.map(name => [ name, 'readonly' ])) } },
		rules
	},
	{ files: [ '**/tests/luci/*.cjs' ], languageOptions: { ecmaVersion: 2022, sourceType: 'commonjs', globals: node }, rules }
];
