'use strict';

const { store } = require('../store');

function find(id, done) {
  store.get(`depot:${id}`, (err, depot) => {
    if (err) return done(err);
    done(null, depot);
  });
}

function all(done) {
  store.list('depot:', (err, depots) => {
    if (err) return done(err);
    done(
      null,
      depots.map((depot) => depot.id),
    );
  });
}

function close(id, done) {
  store.get(`depot:${id}`, (err, depot) => {
    if (err) return done(err);
    const closed = { ...depot, open: false };
    store.put(`depot:${id}`, closed, (err) => {
      if (err) return done(err);
      done(null, closed);
    });
  });
}

module.exports = { find, all, close };
