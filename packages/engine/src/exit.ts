import koffi from 'koffi';
import type { Runtime } from './runtime.js';

/**
 * See to an orderly end of the process: a queued call that still runs while libtensorflow is torn down would touch freed
 * memory. A process that has nothing more to do, or dies of an error, waits for its calls. One that is told to end
 * (`process.exit`, usually from a handler of Ctrl-C) ends at once, however long the call under way: there is no way to stop
 * that, so the tear-down is left out. Exit handlers all run; only what Node itself writes after them is lost, such as a
 * CPU profile.
 */
export function endWith(runtime: Runtime): void {
  const drain = (): void => runtime.drain();
  process.on('beforeExit', drain);
  process.on('uncaughtExceptionMonitor', drain);
  if (process.platform === 'win32') return;
  const libc = koffi.load(process.platform === 'darwin' ? 'libSystem.dylib' : 'libc.so.6');
  const exit = libc.func('void _exit(int code)');
  // What `process.exit` calls once the handlers have run. Node keeps it where it is for those who replace it.
  Object.assign(process, { reallyExit: (code: number) => exit(code) });
}
