import { type ChildProcess, fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

/**
 * Start a module of this package as a process that talks by messages, and writes nothing but errors. It runs from sources where
 * this does.
 * @param path of the module, without its ending @param from `import.meta.url` of the module that it is relative to
 */
export function forkModule(path: string, from: string): ChildProcess {
  const fromSources = import.meta.url.endsWith('.ts');
  return fork(new URL(`${path}${fromSources ? '.ts' : '.js'}`, from), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    // Whatever runs this, a test for instance: Node itself needs to be told how to read TypeScript.
    ...(fromSources ? { execArgv: ['--conditions=@codiff/source', '--import', tsx()] } : {}),
  });
}

const tsx = (): string => pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
