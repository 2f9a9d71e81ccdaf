print("ostr")
