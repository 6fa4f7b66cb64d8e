/** The one error class of finding and providing libtensorflow. */

/** @typedef {import('./index.d.mts').LibraryErrorCode} LibraryErrorCode */

export class LibraryError extends Error {
  /**
   * @param {LibraryErrorCode} code
   * @param {string} message where, what came, what was wanted, what to do
   * @param {{cause?: unknown}} [options]
   */
  constructor(code, message, options) {
    super(message, options);
    this.name = 'LibraryError';
    this.code = code;
  }
}
