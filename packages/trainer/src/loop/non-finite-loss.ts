import { RunFailure } from '../train-error.js';

/** Training came to a loss that is no number: its weights are spoilt, and were not saved. */
export class NonFiniteLossError extends RunFailure {
  constructor(
    /** Logged values that are not finite. */
    readonly names: readonly string[],
    /** The step that was to be taken. */
    readonly step: number,
    /** The batch that led to it. */
    readonly batchFile: string,
  ) {
    super(
      `step ${step}: ${names.join(', ')} is not finite. The batch is in ${batchFile}; weights were not saved after it. Go on from the last checkpoint, if there is one, or begin again, with a lower learning rate or gradient clipping; or look at the batch`,
    );
  }
}
