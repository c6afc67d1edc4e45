'use strict';

const { store } = require('../store');

function find(id, done) {
  store.get(`parcel:${id}`, (err, parcel) => {
    if (err) return done(err);
    done(null, parcel);
  });
}

function register(parcel, done) {
  store.put(`parcel:${parcel.id}`, { ...parcel, state: 'registered', moves: 0 }, (err) => {
    if (err) return done(err);
    done(null, parcel.id);
  });
}

function move(id, depot, done) {
  store.get(`parcel:${id}`, (err, parcel) => {
    if (err) return done(err);
    const moved = { ...parcel, depot, state: 'moving', moves: parcel.moves + 1 };
    store.put(`parcel:${id}`, moved, (err) => {
      if (err) return done(err);
      done(null, moved);
    });
  });
}

module.exports = { find, register, move };
