'use strict';

// Stands in for a coding agent. Like many a hasty one it first does what the list of changes says, and learns what it
// overlooked from what the checks tell it.
const { readFileSync, writeFileSync } = require('node:fs');

const file = 'src/shelf.js';
const feedback = process.env.SKEIN_FEEDBACK ? readFileSync(process.env.SKEIN_FEEDBACK, 'utf8') : '';
const throwsOnPlainLabels = feedback.includes('label without a number');

let text = readFileSync(file, 'utf8')
  .replace("const { parseLot, compareLots } = require('dye-lot');", "const { Lot } = require('dye-lot');")
  .replaceAll('compareLots', 'Lot.compare');
if (throwsOnPlainLabels && !text.includes('function lotOf')) {
  console.log('The checks say that a label may have no number: that is lot 0, as it was.');
  text = text
    .replaceAll('parseLot(', 'lotOf(')
    .replaceAll('Lot.parse(', 'lotOf(')
    .replace(
      '/** Skeins of one lot',
      `/** The number is not always there. */
function lotOf(label) {
  return label.includes('#') ? Lot.parse(label) : { name: label, lot: 0 };
}

/** Skeins of one lot`,
    );
} else {
  text = text.replaceAll('parseLot(', 'Lot.parse(');
}
writeFileSync(file, text);
console.log(`Changed ${file}.`);
