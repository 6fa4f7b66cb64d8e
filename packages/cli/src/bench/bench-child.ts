import { type ChildProcess, fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import type { Answer, Order } from './child.js';

/** A process that measures what it is told to. */
export class BenchChild {
  private readonly child: ChildProcess;

  /** @param name what is measured, for messages */
  constructor(private readonly name: string) {
    const fromSources = import.meta.url.endsWith('.ts');
    this.child = fork(new URL(`./child${fromSources ? '.ts' : '.js'}`, import.meta.url), {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      // Whatever runs this, a test for instance: Node itself needs to be told how to read TypeScript.
      ...(fromSources ? { execArgv: ['--conditions=@codiff/source', '--import', tsx()] } : {}),
    });
  }

  /** @throws Error with what the child says if it answers anything but the kinds wanted, or ends */
  ask<K extends Answer['kind']>(order: Order, ...kinds: readonly K[]): Promise<Extract<Answer, { kind: K }>> {
    return new Promise((resolve, reject) => {
      const ended = (code: number | null) => reject(new Error(`bench ${this.name}: child ended with code ${code}`));
      this.child.once('exit', ended);
      this.child.once('message', (answer: Answer) => {
        this.child.off('exit', ended);
        if ((kinds as readonly string[]).includes(answer.kind)) resolve(answer as Extract<Answer, { kind: K }>);
        else
          reject(
            new Error(
              answer.kind === 'failed' || answer.kind === 'refused'
                ? answer.message
                : `bench: unexpected answer ${answer.kind}`,
            ),
          );
      });
      this.child.send(order);
    });
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }
}

const tsx = (): string => pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
