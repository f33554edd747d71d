// SPDX-License-Identifier: LGPL-2.1-only
'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { load } = require('./loader.cjs');

const validate = load('containers.validate');
const options = load('containers.options');
const { values, kinds } = JSON.parse(fs.readFileSync(path.join(__dirname, 'testdata/values.json'), 'utf8'));

for (const kind in kinds) {
	test(`a value of the kind ${kind} is valid where the program says so`, () => {
		const reasons = values.map(() => '');

		for (const reason in kinds[kind])
			for (const i of kinds[kind][reason])
				reasons[i] = reason;

		values.forEach((v, i) => assert.equal(validate.check(kind, v), reasons[i], JSON.stringify(v.substring(0, 80))));
	});
}

test('every kind of the options is known', () => {
	for (const section in options.sections)
		for (const name in options.sections[section])
			assert.ok(validate.kinds.includes(options.sections[section][name].kind.split(':')[0]), name);
});
