import koffi from 'koffi';
import type { Runtime } from './runtime.js';

/**
 * See to an orderly end of the process: a queued call that still runs while libtensorflow is torn down would touch freed
 * memory. A process that has nothing more to do waits for its calls. One that is told to end (`process.exit`, usually
 * from a handler of Ctrl-C) ends at once, however long the call under way: there is no way to stop that, so the tear-down
 * is left out. Exit handlers all run; only what Node itself writes at the very end, such as a CPU profile, is lost.
 */
export function endWith(runtime: Runtime): void {
  let nothingLeft = false;
  process.on('beforeExit', () => {
    nothingLeft = true;
  });
  const end = (code: number): void => {
    if (nothingLeft || process.platform === 'win32') {
      runtime.drain();
      return;
    }
    const listeners = process.listeners('exit');
    for (const listener of listeners.slice(listeners.indexOf(end) + 1)) listener.call(process, code);
    const libc = koffi.load(process.platform === 'darwin' ? 'libSystem.dylib' : 'libc.so.6');
    libc.func('void _exit(int code)')(Number(process.exitCode ?? code));
  };
  process.on('exit', end);
}
