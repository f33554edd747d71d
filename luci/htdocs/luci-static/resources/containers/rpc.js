// SPDX-License-Identifier: LGPL-2.1-only
'use strict';
'require baseclass';
'require rpc';

/*
 * What is asked of the router: the methods of the ubus object containers. A refusal, {error: TEXT}, is a rejected promise.
 */

function refuse(answer) {
	if (answer === null || typeof answer != 'object')
		throw new Error(_('The router does not answer. Is the package gojail installed, and does rpcd run?'));

	if (typeof answer.error == 'string')
		throw new Error(answer.error);

	return answer;
}

const list = rpc.declare({ object: 'containers', method: 'list' });
const status = rpc.declare({ object: 'containers', method: 'status', params: [ 'name' ] });
const stats = rpc.declare({ object: 'containers', method: 'stats' });
const logs = rpc.declare({ object: 'containers', method: 'logs', params: [ 'name', 'lines' ] });
const processes = rpc.declare({ object: 'containers', method: 'processes', params: [ 'name' ] });
const host = rpc.declare({ object: 'containers', method: 'host' });
const start = rpc.declare({ object: 'containers', method: 'start', params: [ 'name' ] });
const stop = rpc.declare({ object: 'containers', method: 'stop', params: [ 'name' ] });
const restart = rpc.declare({ object: 'containers', method: 'restart', params: [ 'name' ] });
const kill = rpc.declare({ object: 'containers', method: 'kill', params: [ 'name', 'signal' ] });

return baseclass.extend({
	list() { return list().then(refuse) },
	status(name) { return status(name).then(refuse) },
	stats() { return stats().then(refuse) },
	logs(name, lines) { return logs(name, lines).then(refuse) },
	processes(name) { return processes(name).then(refuse) },
	host() { return host().then(refuse) },
	start(name) { return start(name).then(refuse) },
	stop(name) { return stop(name).then(refuse) },
	restart(name) { return restart(name).then(refuse) },
	kill(name, signal) { return kill(name, signal).then(refuse) }
});
