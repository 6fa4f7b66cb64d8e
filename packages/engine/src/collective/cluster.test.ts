import { describe, expect, it } from 'vitest';
import { fieldsOf } from '../capi/proto.js';
import { addressOf, checkCluster, isLoopback, leaderConfig, serverDef } from './cluster.js';

const decode = (bytes: Uint8Array): Map<number, number | Uint8Array> => new Map(fieldsOf(bytes));
const bytes = (value: number | Uint8Array | undefined): Uint8Array => value as Uint8Array;
const text = (value: number | Uint8Array | undefined): string => new TextDecoder().decode(bytes(value));

describe('serverDef', () => {
  const config = Uint8Array.from(leaderConfig());
  const fields = decode(serverDef({ tasks: ['127.0.0.1:4000', '[::1]:4001'], index: 1 }, config));

  it('names the job (2), the place in it (3), the config (4) and the protocol (5)', () => {
    expect([text(fields.get(2)), fields.get(3), text(fields.get(5))]).toEqual(['worker', 1, 'grpc']);
    expect(bytes(fields.get(4))).toEqual(config);
  });

  it('lists the addresses (1: jobs, 2: tasks) by place', () => {
    const job = bytes(decode(bytes(fields.get(1))).get(1));
    const tasks = [...fieldsOf(job)].filter(([field]) => field === 2).map(([, value]) => decode(bytes(value)));
    expect(tasks.map((task) => [task.get(1), text(task.get(2))])).toEqual([
      [0, '127.0.0.1:4000'],
      [1, '[::1]:4001'],
    ]);
  });

  it('lets process 0 keep the book of collectives (16.1)', () => {
    const experimental = decode(bytes(decode(config).get(16)));
    expect(text(experimental.get(1))).toBe('/job:worker/replica:0/task:0');
  });
});

describe('checkCluster', () => {
  it.each([
    ['no tasks', [], 0, /tasks is empty/],
    ['a place outside', ['a:2000'], 1, /index is 1; 0 to 0 is wanted/],
    ['half a place', ['a:2000', 'b:2000'], 0.5, /index is 0\.5/],
    ['no port', ['localhost'], 0, /'localhost' is no host:port/],
    ['a port of the system', ['localhost:80'], 0, /from 1024 to 65535/],
    ['no such port', ['localhost:70000'], 0, /from 1024 to 65535/],
    ['one address twice', ['a:2000', 'a:2000'], 0, /in the list twice/],
  ])('refuses %s', (_, tasks, index, message) => {
    expect(() => checkCluster({ tasks, index })).toThrow(message);
  });

  it('takes names and addresses', () => {
    expect(() =>
      checkCluster({ tasks: ['node-1.lan:2000', '10.0.0.2:2000', '[fe80::1]:2000'], index: 2 }),
    ).not.toThrow();
    expect(addressOf('[::1]:2000')).toEqual({ host: '::1', port: 2000 });
  });
});

it.each([
  ['localhost', true],
  ['127.0.0.1', true],
  ['127.9.9.9', true],
  ['::1', true],
  ['10.0.0.1', false],
  ['127.example.org', false],
])('%s is this machine alone: %s', (host, answer) => {
  expect(isLoopback(host)).toBe(answer);
});
