import { spawn } from 'node:child_process';
import { join } from 'node:path';

/** How the command line ended, and what it printed where that was kept. */
export interface ChildEnd {
  readonly code: number | null;
  readonly output: string;
}

/**
 * Run the command line of this repository. Ctrl-C reaches it as it reaches us: it saves and ends, and we wait for that.
 * @param root the repository, its working directory @param keep keep what it prints to stdout, instead of showing it
 */
export function codiff(root: string, words: readonly string[], { keep = false } = {}): Promise<ChildEnd> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, 'packages/cli/bin/codiff.mjs'), ...words], {
      cwd: root,
      stdio: ['inherit', keep ? 'pipe' : 'inherit', 'inherit'],
    });
    let output = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
    const passOn = (signal: NodeJS.Signals): void => {
      if (signal !== 'SIGINT') child.kill(signal);
    };
    for (const signal of signals) process.on(signal, passOn);
    const done = (): void => {
      for (const signal of signals) process.off(signal, passOn);
    };
    child.on('error', (error) => {
      done();
      reject(error);
    });
    child.on('close', (code) => {
      done();
      resolve({ code, output });
    });
  });
}
