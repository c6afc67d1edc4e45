'use strict';

const path = require('node:path');
const { metres } = require('./count.js');
const label = require('./label.js');

function describe(file, grams, unit) {
  return `${label(path.basename(file))}: ${metres(grams, unit)} m`;
}

module.exports = { describe };
