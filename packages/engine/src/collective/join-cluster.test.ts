import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fakeNative } from '../../test/support/fake-native.js';
import { freePorts } from '../../test/support/free-ports.js';
import { thrownBy } from '../../test/support/start-engine.js';
import { Status } from '../capi/status.js';
import { serverDef } from './cluster.js';
import { joinCluster } from './join-cluster.js';

const CONTEXT = 7n;
const CONFIG = Uint8Array.of(1, 2, 3);
/** Other machines, so that no port here has to be closed. */
const AWAY = { tasks: ['192.0.2.1:4000', '192.0.2.2:4000', '192.0.2.1:4001'], index: 1 };

beforeEach(() => vi.stubEnv('no_grpc_proxy', 'example.org'));
afterEach(() => vi.unstubAllEnvs());

describe('joinCluster', () => {
  it('starts the server that the cluster describes', () => {
    const { native, named } = fakeNative();
    const status = new Status(native);
    joinCluster(native, CONTEXT, AWAY, CONFIG, status);
    const definition = serverDef(AWAY, CONFIG);
    expect(named('TFE_EnableCollectiveOps')).toEqual([
      ['TFE_EnableCollectiveOps', CONTEXT, definition, definition.length, status.pointer],
    ]);
  });

  it('keeps a proxy of the environment out, besides those that it had to keep out already', () => {
    const { native } = fakeNative();
    joinCluster(native, CONTEXT, AWAY, CONFIG, new Status(native));
    expect(process.env.no_grpc_proxy).toBe('example.org,192.0.2.1,192.0.2.2');
  });

  it('says which address cannot be listened at', () => {
    const { native, fail } = fakeNative();
    const status = new Status(native);
    fail(14, 'address in use');
    expect(thrownBy(() => joinCluster(native, CONTEXT, AWAY, CONFIG, status))).toMatchObject({
      name: 'EngineError',
      code: 'unavailable',
      message: expect.stringMatching(/no server at 192\.0\.2\.2:4000: .*address in use.* Give this task a port/s),
    });
  });

  it('refuses to go on where a port of this machine alone cannot be closed to others', async () => {
    const { native } = fakeNative();
    const [port] = await freePorts(1);
    const join = () =>
      joinCluster(native, CONTEXT, { tasks: [`localhost:${port}`], index: 0 }, CONFIG, new Status(native));
    // The fake starts no server, so there is no socket to close; beyond Linux there is no way to.
    expect(thrownBy(join).message).toMatch(/its socket was not found|can be prevented on Linux only/);
  });
});
