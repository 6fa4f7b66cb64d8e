import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { describe, expect, it } from 'vitest';
import { freePorts } from '../../test/support/free-ports.js';
import { thrownBy } from '../../test/support/start-engine.js';
import { listenOnLoopbackOnly } from './loopback.js';

const listening = async (): Promise<{ server: Server; port: number }> => {
  const server = createServer((socket) => socket.end());
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  return { server, port: (server.address() as AddressInfo).port };
};
const answers = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1000 });
    const end = (answered: boolean) => () => {
      socket.destroy();
      resolve(answered);
    };
    socket.on('connect', end(true)).on('error', end(false)).on('timeout', end(false));
  });

describe.skipIf(process.platform !== 'linux')('listenOnLoopbackOnly (Linux)', () => {
  it('has a port answer at loopback addresses alone', async () => {
    const { server, port } = await listening();
    const outside = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
    const address = outside.find(({ internal, family }) => !internal && family === 'IPv4')?.address;
    try {
      if (address !== undefined) expect(await answers(address, port)).toBe(true);
      listenOnLoopbackOnly(port);
      expect(await answers('127.0.0.1', port)).toBe(true);
      if (address !== undefined) expect(await answers(address, port)).toBe(false);
    } finally {
      server.close();
    }
  });

  it('says so where nothing listens', async () => {
    const [port] = await freePorts(1);
    expect(thrownBy(() => listenOnLoopbackOnly(port!))).toMatchObject({
      code: 'permission-denied',
      message: expect.stringContaining(`port ${port} cannot be closed to other machines: its socket was not found`),
    });
  });
});
