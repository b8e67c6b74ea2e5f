mod talk;
