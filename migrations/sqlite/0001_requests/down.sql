DROP TABLE requests;
DROP TABLE clusters;
