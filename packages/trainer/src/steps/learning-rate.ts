/** The numbers of a run that its learning rate depends on. */
export interface LearningRateRule {
  /** `model.base_learning_rate`. */
  readonly base: number;
  /** `--scale_lr`. */
  readonly scale: boolean;
  /** `accumulate_grad_batches`. */
  readonly accumulate: number;
  /** Devices that really take part, 1 on a CPU. */
  readonly devices: number;
  readonly batchSize: number;
}

/** The learning rate of a run: accumulate · devices · batch · base where it is scaled, else base (original, section 3). */
export function learningRate({ base, scale, accumulate, devices, batchSize }: LearningRateRule): number {
  return scale ? accumulate * devices * batchSize * base : base;
}

/** The rule with its numbers, as one line to print. */
export function describeLearningRate(rule: LearningRateRule): string {
  const rate = learningRate(rule).toExponential(2);
  if (!rule.scale) return `learning rate ${rate}`;
  const { base, accumulate, devices, batchSize } = rule;
  return `learning rate ${rate} = ${accumulate} (accumulate_grad_batches) * ${devices} (n_gpus) * ${batchSize} (batch_size) * ${base.toExponential(2)} (base_lr)`;
}
