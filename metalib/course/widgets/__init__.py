"""What every lab is made of: shell, controls, drawing, pointer."""
