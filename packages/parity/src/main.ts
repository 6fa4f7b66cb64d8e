import { writeFileSync } from 'node:fs';
import { type Arguments, parseArguments, USAGE } from './arguments.js';
import { messageOf } from './cases/problems.js';
import { describeCase, describeRun } from './report/text.js';
import { useBackend } from './run/backend.js';
import { runFolder } from './run/run-folder.js';

/** Exit codes: 0 all within their limits, 1 a miss, 2 nothing could be run. */
async function main(argv: readonly string[]): Promise<number> {
  let options: Arguments;
  try {
    options = parseArguments(argv);
  } catch (error) {
    console.error(`parity: ${messageOf(error)}\n${USAGE}`);
    return 2;
  }
  try {
    const backend = await useBackend(options.backend);
    const report = await runFolder({
      folder: options.subject,
      kinds: options.kinds,
      modes: options.modes ?? backend.modes,
      call: backend.call,
      onResult: (result) => console.log(describeCase(result)),
    });
    console.log(describeRun(report));
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, null, 1)}\n`);
    return report.ok ? 0 : 1;
  } catch (error) {
    console.error(`parity: ${messageOf(error)}`);
    return 2;
  }
}

process.exitCode = await main(process.argv.slice(2));
