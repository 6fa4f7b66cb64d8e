/** One thing wrong with a config. */
export interface ConfigProblem {
  /** The config file, where it is not the main one. */
  readonly file?: string;
  /** Where, as in the file: `model.params.unet_config.params.channel_mult[2]`; empty for the whole. */
  readonly path: string;
  /** What came and what was wanted. */
  readonly message: string;
  /** What to do about it. */
  readonly suggestion?: string | undefined;
}

/** A config that cannot be built. Lists every problem, not only the first. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(readonly problems: readonly ConfigProblem[]) {
    super(`config: ${problems.length} problem${problems.length === 1 ? '' : 's'}\n${problems.map(format).join('\n')}`);
  }
}

function format({ file, path, message, suggestion }: ConfigProblem): string {
  const where = [file, path].filter((part) => part !== undefined && part !== '').join(': ');
  return `  ${where === '' ? '' : `${where}: `}${message}${suggestion === undefined ? '' : ` (${suggestion})`}`;
}
