// Where the backend is.
export const BACKEND = "http://localhost:5001";
