// Everything of an edit that needs the engine: one module, to be loaded once flags are known to be right.
export { closing } from './closing.js';
export { prepareCollaborative } from './prepare-collaborative.js';
export { prepareImagic } from './prepare-imagic.js';
export { runCollaborative } from './run-collaborative.js';
export { runImagic } from './run-imagic.js';
export { inSession } from './session.js';
export { tuneApart } from './tune-apart.js';
