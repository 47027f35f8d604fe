"""From image pairs to a distilled Pix2Pix, one picture and one table."""
