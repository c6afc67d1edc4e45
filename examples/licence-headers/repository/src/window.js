'use strict';

function title(name) {
  return `${name} - wool and needles`;
}

module.exports = { title };
