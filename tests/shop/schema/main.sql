CREATE TABLE product (
    id INTEGER PRIMARY KEY,
    sku TEXT NOT NULL UNIQUE,
    price_cents INTEGER NOT NULL,
    stock INTEGER NOT NULL,
    weight
);
CREATE TABLE purchase (
    id INTEGER PRIMARY KEY,
    customer TEXT NOT NULL,
    total_cents INTEGER NOT NULL,
    status TEXT NOT NULL DEFAULT 'open'
);
CREATE TABLE line (
    id INTEGER PRIMARY KEY,
    purchase_id INTEGER NOT NULL REFERENCES purchase ON DELETE CASCADE,
    sku TEXT NOT NULL,
    quantity INTEGER NOT NULL
);
CREATE TABLE shipment (id INTEGER PRIMARY KEY, purchase_id INTEGER NOT NULL, carrier TEXT NOT NULL);
CREATE TABLE log (id INTEGER PRIMARY KEY, event TEXT NOT NULL);
INSERT INTO product (sku, price_cents, stock) VALUES ('tea', 500, 10), ('cup', 1200, 4);
