'use strict';

const { store } = require('../store');

function find(id, done) {
  store.get(`customer:${id}`, (err, customer) => {
    if (err) return done(err);
    done(null, customer);
  });
}

function rename(id, name, done) {
  store.get(`customer:${id}`, (err, customer) => {
    if (err) return done(err);
    const renamed = { ...customer, name: name.trim() };
    store.put(`customer:${id}`, renamed, (err) => {
      if (err) return done(err);
      done(null, renamed);
    });
  });
}

module.exports = { find, rename };
