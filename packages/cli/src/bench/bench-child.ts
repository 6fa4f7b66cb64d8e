import type { ChildProcess } from 'node:child_process';
import { forkModule } from '../fork-module.js';
import type { Answer, Order } from './child.js';

/** A process that measures what it is told to. */
export class BenchChild {
  private readonly child: ChildProcess;

  /** @param name what is measured, for messages */
  constructor(private readonly name: string) {
    this.child = forkModule('./child', import.meta.url);
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
