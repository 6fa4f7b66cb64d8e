import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import koffi from 'koffi';
import { EngineError } from '../errors.js';

const SOL_SOCKET = 1;
const SO_BINDTODEVICE = 25;
/** State of a listening socket in the kernel's tables. */
const LISTENING = '0A';

/**
 * Make the server's port answer to this machine alone. TensorFlow listens on every network there is, and whoever
 * reaches it may run what they like, without a password; a socket that is bound to the loopback device gets only what
 * comes from here.
 * @throws EngineError if the system does not allow it (Linux before 5.7)
 */
export function listenOnLoopbackOnly(port: number): void {
  if (process.platform !== 'linux')
    throw new EngineError(
      'useEngine: cluster: TensorFlow would listen on every network of this machine, which can be prevented on Linux only',
      { code: 'usage' },
    );
  const setsockopt = koffi
    .load('libc.so.6')
    .func('int setsockopt(int fd, int level, int name, const char *value, uint32 length)');
  const sockets = listenersAt(port);
  if (sockets.length > 0 && sockets.every((fd) => setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, 'lo', 3) === 0)) return;
  throw new EngineError(
    `useEngine: cluster: port ${port} cannot be closed to other machines: ${sockets.length === 0 ? 'its socket was not found' : 'the system refused (Linux 5.7 or newer is wanted)'}`,
    { code: 'permission-denied' },
  );
}

/** File descriptors of this process that listen at a port. */
function listenersAt(port: number): number[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const inodes = new Set(
    ['tcp', 'tcp6'].flatMap((table) =>
      readOr(`/proc/self/net/${table}`).flatMap((line) => {
        // sl local_address rem_address st tx:rx tr:tm retrnsmt uid timeout inode
        const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/);
        return state === LISTENING && local.endsWith(suffix) ? [`socket:[${inode}]`] : [];
      }),
    ),
  );
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return inodes.has(readlinkSync(`/proc/self/fd/${fd}`)) ? [Number(fd)] : [];
    } catch {
      // The descriptor by which the folder itself was read.
      return [];
    }
  });
}

function readOr(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch {
    // A kernel without IPv6 has no table of it.
    return [];
  }
}
