'use strict';
// Where Node keeps compiled code between runs: a CLI call then costs about half the CPU. Inside the checkout and for
// its owner alone, because whoever can write there decides what runs.
const fs = require('fs');
const path = require('path');

const OWNER_ONLY = 0o700;

/**
 * Makes the folder and answers its path; undefined where it cannot be
 * written, as in a read-only image: then nothing is kept.
 */
const compileCacheFolder = (root = path.join(__dirname, '..')) => {
  const folder = path.join(root, 'node_modules', '.cache', 'compile');
  try {
    fs.mkdirSync(folder, { recursive: true, mode: OWNER_ONLY });
    fs.accessSync(folder, fs.constants.W_OK);
    return folder;
  } catch (error) {
    return undefined;
  }
};

module.exports = { compileCacheFolder };
