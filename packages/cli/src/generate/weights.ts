import { existsSync } from 'node:fs';
import {
  type Checkpoint,
  CheckpointMismatch,
  type KeyReport,
  loadParams,
  type MatchOptions,
  matchKeys,
  type ParamSpec,
  Params,
} from '@codiff/ldm-core';
import { openCheckpointFile } from '@codiff/ldm-core/node';
import { neededSpecs, UNNEEDED } from './needed-weights.js';

/** A file that may hold what the main checkpoint lacks. */
export interface FallbackFile {
  readonly path: string;
  readonly prefixMap: NonNullable<MatchOptions['prefixMap']>;
}

interface Source {
  readonly checkpoint: Checkpoint;
  readonly specs: ReadonlyMap<string, ParamSpec>;
  readonly options: MatchOptions;
}

/** Where each weight that sampling needs comes from. Headers are read, values are not. */
export class WeightPlan {
  private constructor(private readonly sources: readonly Source[]) {}

  /**
   * Find all weights in the checkpoint; what it lacks, in the files that its config names. The checkpoint alone is enough where
   * it holds all, though the original always wants the others too (quirk 2).
   * @param specs everything that the model stores
   * @throws CheckpointError if files are damaged, CheckpointMismatch if the weights are another model's
   */
  static async open(
    specs: ReadonlyMap<string, ParamSpec>,
    path: string,
    fallbacks: readonly FallbackFile[],
  ): Promise<WeightPlan> {
    const sources: Source[] = [];
    const plan = new WeightPlan(sources);
    try {
      const checkpoint = await openCheckpointFile(path);
      const needed = neededSpecs(specs);
      const { report } = matchKeys(needed, path, checkpoint.tensors, { drop: UNNEEDED });
      const missing = new Map(report.missing.map((key) => [key, needed.get(key)!]));
      sources.push({ checkpoint, specs: without(needed, missing), options: { drop: UNNEEDED } });
      if (report.misshapen.length + report.unexpected.length > 0) throw mismatch(report);
      for (const { path, prefixMap } of fallbacks) {
        if (missing.size === 0 || !existsSync(path)) continue;
        const options = { prefixMap, drop: [/./] };
        const other = await openCheckpointFile(path);
        const { report: found } = matchKeys(missing, path, other.tensors, options);
        const matched = new Map(found.matched.map((key) => [key, missing.get(key)!]));
        sources.push({ checkpoint: other, specs: matched, options });
        if (found.misshapen.length > 0) throw mismatch(found);
        for (const key of matched.keys()) missing.delete(key);
      }
      if (missing.size > 0) throw mismatch({ ...report, missing: [...missing.keys()] });
      return plan;
    } catch (error) {
      await plan.close();
      throw error;
    }
  }

  /** The weights on the device; the caller owns them. Averages of weights have taken the weights' place. */
  async load(): Promise<Params> {
    const loaded = new Params();
    try {
      for (const { checkpoint, specs, options } of this.sources) {
        const { params } = await loadParams(specs, checkpoint, options);
        for (const [key, tensor] of params) loaded.set(key, tensor);
      }
    } catch (error) {
      loaded.dispose();
      throw error;
    }
    for (const { key, init } of this.sources.flatMap(({ specs }) => [...specs.values()])) {
      if (init.kind !== 'copy') continue;
      loaded.get(init.of.key)?.dispose();
      loaded.set(init.of.key, loaded.get(key)!);
      loaded.delete(key);
    }
    return loaded;
  }

  /** Close the files. */
  async close(): Promise<void> {
    for (const { checkpoint } of this.sources) await checkpoint.close();
  }
}

/** What is not needed is no part of what is wrong. */
const mismatch = (report: KeyReport) => new CheckpointMismatch({ ...report, dropped: [] });

function without(specs: ReadonlyMap<string, ParamSpec>, left: ReadonlyMap<string, ParamSpec>): Map<string, ParamSpec> {
  return new Map([...specs].filter(([key]) => !left.has(key)));
}
