import type { CheckpointKeeper } from '../checkpoint/keeper.js';
import { optimizerMemory } from '../checkpoint/optimizer-memory.js';
import type { Progress } from '../checkpoint/progress.js';
import type { Divided, Training } from '../steps/train-state.js';
import { RunFailure } from '../train-error.js';
import { checksum } from './checksum.js';
import type { Team } from './team.js';

/** What a run asks of whoever keeps its checkpoints. */
export type RunKeeper = Pick<CheckpointKeeper, 'saveLast' | 'saveEpoch' | 'saveTrainStep'>;

/** The processes of a team no longer have the same weights: nothing they do from here on means anything. */
export class ReplicasDifferError extends RunFailure {}

/**
 * Keeps the checkpoints of a team. Before each, the processes compare checksums of all they hold; the first process then
 * writes it. A process that has left the team after a failure writes without asking, if it is the first.
 */
export class TeamKeeper implements RunKeeper {
  private compared: Progress | undefined;

  constructor(
    private readonly team: Team,
    private readonly keeper: RunKeeper,
    private readonly training: Pick<Training, 'weights'>,
  ) {}

  async saveLast(divided: Divided, progress: Progress): Promise<void> {
    if (await this.writes(divided, progress)) await this.keeper.saveLast(divided, progress);
  }

  async saveEpoch(divided: Divided, progress: Progress, score: number | null): Promise<void> {
    if (await this.writes(divided, progress)) await this.keeper.saveEpoch(divided, progress, score);
  }

  async saveTrainStep(divided: Divided, progress: Progress): Promise<void> {
    if (await this.writes(divided, progress)) await this.keeper.saveTrainStep(divided, progress);
  }

  /** Whether this process is the one that writes. @throws ReplicasDifferError */
  private async writes(divided: Divided, progress: Progress): Promise<boolean> {
    const { rank } = this.team.place;
    // A second attempt after a full disk is the first process's alone.
    if (this.compared !== progress && !this.team.hasLeft) {
      this.compared = progress;
      const weights = this.training.weights(divided);
      const sums = await this.team.gather(
        await checksum([...weights.values(), ...optimizerMemory(divided.state).values()]),
        'checksums',
      );
      if (new Set(sums).size > 1) {
        this.team.leave();
        throw new ReplicasDifferError(
          `train: at step ${progress.globalStep} the processes no longer hold the same weights (checksums ${sums.join(', ')}), so nothing was saved. Resume from the last checkpoint; if it happens again, one of the devices computes wrong numbers`,
        );
      }
    }
    return rank === 0;
  }
}
