/** Runs provideLibrary in a process of its own, so that a test can kill it or run two. Options come as JSON. */
import { provideLibrary } from '../../library/index.mjs';

const options = JSON.parse(process.argv[2] ?? '{}');
const notes = /** @type {string[]} */ ([]);
const progress = { start() {}, update() {}, end() {}, note: (/** @type {string} */ line) => notes.push(line) };
const { library, downloaded } = await provideLibrary({ ...options, progress });
console.log(JSON.stringify({ dir: library.dir, downloaded, notes }));
