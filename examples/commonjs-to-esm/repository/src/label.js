'use strict';

module.exports = function label(name) {
  return name.replace(/\.yarn$/, '').toUpperCase();
};
