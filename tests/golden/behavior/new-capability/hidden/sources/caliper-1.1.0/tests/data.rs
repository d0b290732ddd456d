include!("more/data.txt");
