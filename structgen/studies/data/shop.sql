CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, city TEXT, age INTEGER);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT, item TEXT, price INTEGER);
INSERT INTO customers VALUES
  (1, 'Anna', 'Oslo', 34), (2, 'Bert', 'Rome', 51), (3, 'Carla', 'Oslo', 27), (4, 'David', 'Paris', 45),
  (5, 'Emma', 'Rome', 62), (6, 'Felix', 'London', 19), (7, 'Greta', 'Paris', 38), (8, 'Hugo', 'London', 73);
INSERT INTO orders VALUES
  (1, 'Anna', 'lamp', 40), (2, 'Bert', 'chair', 85), (3, 'Anna', 'table', 210), (4, 'Emma', 'lamp', 45),
  (5, 'David', 'sofa', 640), (6, 'Carla', 'chair', 90), (7, 'Hugo', 'clock', 25), (8, 'Greta', 'sofa', 580),
  (9, 'Felix', 'table', 190), (10, 'Emma', 'clock', 30);
