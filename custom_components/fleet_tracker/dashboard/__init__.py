"""What the browser shows of the fleet: its modules, and what it asks for them.

`www/` holds the modules as the browser loads them. They are public: nothing in them says
whose a vehicle is, or where. The rest may use accounts, and knows no vendor.
"""
